"""What is no code in C and C++."""

import pytest

from scaffold_port.c.text import blank, uncommented


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a /* b */ c // d", b"a         c     "),
        (b"a // b\\\n c\nd", b"a         \nd"),
        (b"a /* b", b"a     "),
        (b'f("b\\"c", \'"\', d)', b"f(      ,    , d)"),
        (b"it's f(1)", b"it's f(1)"),
        (b'#define Q \\"\nf("a")', b'#define Q \\"\nf(   )'),
        (b'f(R"x(a)" b)x", uR"(")", c)', b"f(            , u      , c)"),
        (b'FOR"(a)" b', b"FOR      b"),
        (b"= 1'000 + f('a', u8'b')", b"= 1'000 + f(   , u8   )"),
    ],
)
def test_blank(data: bytes, code: bytes) -> None:
    assert blank(data) == code


def test_strings_are_no_comments() -> None:
    assert uncommented(b'"/* a */"/* b */ // "c"').rstrip() == b'"/* a */"'
