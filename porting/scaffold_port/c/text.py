"""What is no code in C and C++: comments, strings and characters. Blanks take their places, so that
all else stays where it is; a comment's line ends are blanked, too, as the compiler does it."""

import re

TEXT = re.compile(
    rb"/\*.*?(?:\*/|$)|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)


def blank(data: bytes) -> bytes:
    """Without any of them."""
    return TEXT.sub(lambda found: b" " * len(found[0]), data)


def uncommented(data: bytes) -> bytes:
    """Without comments."""
    return TEXT.sub(
        lambda found: b" " * len(found[0]) if found[0][:1] == b"/" else found[0],
        data,
    )
