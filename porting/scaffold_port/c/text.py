"""What is no code in C and C++: comments, strings and characters. Blanks take their places, so that
all else stays where it is; a comment's line ends are blanked, too, as the compiler does it."""

import re
from functools import lru_cache

TEXT = re.compile(
    rb"""
      /\*.*?(?:\*/|\Z) | //(?:\\\r?\n|[^\n])*+
    | R(?<![^\W8uUL]R)"(?P<raw>[^()\\\s]{0,16})\(.*?(?:\)(?P=raw)"|\Z)
    | "(?<!\\")(?:\\.|[^"\\\n])*+" | '(?<!\\')(?<![^u]\d')(?:\\.|[^'\\\n])*+'
    """,
    re.DOTALL | re.VERBOSE,
)
"""A quote behind a backslash, or a digit, opens nothing. What is never closed goes to the end, or
is none. Each way begins with a character: others are passed over fast."""


@lru_cache(maxsize=1)  # of the file in hand, which several ask for
def blank(data: bytes) -> bytes:
    """Without any of them."""
    return TEXT.sub(lambda found: b" " * len(found[0]), data)


@lru_cache(maxsize=1)
def uncommented(data: bytes) -> bytes:
    """Without comments."""
    return TEXT.sub(
        lambda found: b" " * len(found[0]) if found[0][:1] == b"/" else found[0],
        data,
    )
