"""Names of services as Python sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffold import InvalidName, ServiceError
from scaffold.names import is_service, service_text, split_service

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("web.demo.scaffold", ("web.demo.scaffold", 0, "tcp")),
        ("web.demo.scaffold:80", ("web.demo.scaffold", 80, "tcp")),
        ("a.b.acme.scaffold:53/udp", ("a.b.acme.scaffold", 53, "udp")),
        ("WEB.Demo.Scaffold.:80", ("web.demo.scaffold", 80, "tcp")),
    ],
)
def test_split(text: str, parts: tuple[str, int, str]) -> None:
    assert split_service(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scaffold",
        "demo.scaffold",
        "web.demo.scaffold:",
        "web.demo.scaffold:0",
        "web.demo.scaffold:65536",
        "web.demo.scaffold:-1",
        "web.demo.scaffold:٨",
        "web.demo.scaffold:80/sctp",
        "web.demo.scaffold:80/",
        "we_b.demo.scaffold",
        "-web.demo.scaffold",
        "web-.demo.scaffold",
        "web..scaffold",
        "web.demo.example",
        "x" * 64 + ".demo.scaffold",
        "web.demo.scaffold\n",
    ],
)
def test_malformed_names_name_the_remedy(text: str) -> None:
    with pytest.raises(InvalidName, match=r"label\.provider\.scaffold") as caught:
        split_service(text)
    assert isinstance(caught.value, ValueError | ServiceError | OSError)


@given(st.lists(LABELS, min_size=2, max_size=4), st.integers(1, 65535))
def test_every_well_formed_name_survives(labels: list[str], port: int) -> None:
    host = ".".join([*labels, "scaffold"])
    assert split_service(f"{host}:{port}") == (host, port, "tcp")
    assert service_text((host, port)) == f"{host}:{port}/tcp"
    assert is_service(host)


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_an_error(text: str) -> None:
    try:
        host, port, _ = split_service(text)
    except InvalidName:
        return
    assert is_service(host)
    assert 0 <= port < 65536


def test_plain_ip_is_not_a_service() -> None:
    assert service_text(("127.0.0.1", 80)) is None
    assert service_text(("::1", 80, 0, 0)) is None
    assert service_text(("", 80)) is None
    assert not is_service("scaffold.example")


@pytest.mark.parametrize("port", [-1, 65536, "80", None])
def test_bad_ports_in_tuples(port: object) -> None:
    with pytest.raises(InvalidName, match="port"):
        service_text(("web.demo.scaffold", port))
