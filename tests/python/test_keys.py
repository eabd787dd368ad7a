"""Keys, grants and ports as people write them."""

import pytest

from scaffold import keys
from scaffold.errors import ServiceError


def test_a_key_in_both_forms() -> None:
    assert keys.key_of("00" * 32) == bytes(32) == keys.key_of("a" * 52)
    assert keys.key_of("A" * 51 + "Q")[-1] == 1


@pytest.mark.parametrize("text", ["", "0" * 63, "a" * 51, "a" * 51 + "b", "1" * 52, "g" * 64])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ServiceError, match="52 characters"):
        keys.key_of(text)


def test_a_grant_is_text_and_back() -> None:
    for length in range(163, 314):
        grant = bytes(range(256))[:200] * 2
        grant = grant[:length]
        text = keys.text_of(grant)
        assert text.startswith("scg1-") and text == text.lower()
        assert keys.grant_of(text) == grant
        assert keys.grant_of(f" {text[:40]}\n{text[40:]}\n") == grant


@pytest.mark.parametrize("text", ["", "sc1-abc", "scg1-1", "scg1-a"])
def test_what_is_no_grant(text: str) -> None:
    with pytest.raises(ServiceError, match="no grant"):
        keys.grant_of(text)


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("any", (0, 65535, 0)),
        ("any/udp", (0, 65535, 17)),
        ("80", (80, 80, 0)),
        ("80/tcp", (80, 80, 6)),
        ("8000-8080/tcp", (8000, 8080, 6)),
    ],
)
def test_ports(text: str, ports: tuple[int, int, int]) -> None:
    assert keys.ports_of(text) == ports
    assert keys.ports_text(*ports) == text


@pytest.mark.parametrize("text", ["", "0", "9-8", "65536", "80/sctp", "a-b", "-"])
def test_what_are_no_ports(text: str) -> None:
    with pytest.raises(ServiceError, match="8000-8080/tcp"):
        keys.ports_of(text)
