"""What is no code in C and C++: comments, strings and characters."""

import re

TEXT = re.compile(
    rb"/\*.*?(?:\*/|$)|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL
)


def blank(data: bytes) -> bytes:
    """The same with spaces for them, so that places stay what they are."""
    return TEXT.sub(lambda found: b" " * len(found[0]), data)
