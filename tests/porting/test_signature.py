"""What calls are given, and whether libc's functions take it."""

import pytest

from scaffold_port.c.argument import given_text, kind
from scaffold_port.c.signature import TAKES, is_others_call, is_settled
from scaffold_port.rules import RULES
from scaffold_port.rules.libraries import OPENING
from scaffold_port.source import Source


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        *((text, "i") for text in ("5", "-1", "0x10", "'a'", "sizeof a", "(int)x", "AF_INET")),
        *((text, "p") for text in ("&a", '"a"', 'L"a"', "this", "(void *)0", "(const T *)&a")),
        *((text, "a") for text in ("(struct sockaddr *)&a", "reinterpret_cast<sockaddr*>(&a)")),
        *((text, "0") for text in ("0", "NULL", "0x0", "0UL")),
        *((text, "x") for text in ("[=] { f(1, 2); }", "std::placeholders::_1", "std::ref(a)")),
        *((text, "m") for text in ("ADDRESS", "ADDRESS(a)", "__VA_ARGS__", "a...")),
        *((text, "?") for text in ("a", "a->b", "*a", "f(a)", "(a)", "(a) & b", "x ? &a : 0")),
    ],
)
def test_kind(argument: str, expected: str) -> None:
    assert kind(argument) == expected


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (b"f()", ()),
        (b"f (a, b)", ("a", "b")),
        (b"f(g(a, b), {c, d}, e[f, g])", ("g(a, b)", "{c, d}", "e[f, g]")),
        (b'f("a, b)", /* c, */ d)', ('"a, b)"', "/* c, */ d")),
        (b"f(a, b", None),
        (b"f(a; b)", None),
        (b"f(a,\n#if B\nb)", None),
        (b"f(a<b, c>(d))", None),
        (b"f(" + b"a" * 9000 + b")", None),
    ],
)
def test_arguments_without_a_tree(text: bytes, given: tuple[str, ...] | None) -> None:
    assert given_text(Source("a.c", text, "c"), 1) == given


def test_numbers_and_kinds_of_arguments() -> None:
    for name, takes in TAKES.items():
        given = takes.replace("s", "?")
        assert not is_others_call(name, given)
        assert not is_others_call(name, "?" * len(takes))
        assert is_others_call(name, given + "?")
        assert is_others_call(name, "x" * len(takes)) == (takes != "" and takes != "s")
    assert not is_others_call("connect", "im")
    assert is_others_call("connect", "immm")
    assert not is_others_call("connect", None)
    assert [is_settled("connect", one) for one in ("i??", "??i", "?a?", "im", None)] == [
        *(True, False, True, False, False)
    ]


def test_every_function_of_the_rules_is_in_the_table() -> None:
    functions = {name for rule in RULES if rule.fix for name in rule.names | rule.common}
    constants = {"EINPROGRESS", "INET_ADDRSTRLEN", "INET6_ADDRSTRLEN"}
    fields = {name for name in functions if name.startswith(("sin", "s6_", "s_addr", "sockaddr"))}
    assert functions - constants - fields - OPENING.keys() <= set(TAKES)
