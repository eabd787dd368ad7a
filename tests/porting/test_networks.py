"""Addresses of links, routes and packets: nobody is asked about them."""

from pathlib import Path

import pytest

from scaffold_port.analyze import analyze
from scaffold_port.networks import WHY

PRINTS = "void {}(const unsigned char *a) {{ keep(inet_ntop(AF_INET, a, text, 99)); }}\n"


@pytest.mark.parametrize(
    ("name", "function", "before", "is_asked"),
    [
        ("a.c", "show", "", True),
        ("dhcp6-lease.c", "show", "", False),
        ("a.c", "rtnl_address", "", False),
        ("a.c", "show", "enum {{ GET = RTM_GETADDR }};\n", False),
        ("a.c", "show", "enum {{ GET = RTM_GETADDR }};\n" + "\n" * 99, True),
        ("a.c", "show", "int to = iph->daddr;\n", False),
        ("routers.c", "show_planet", "", True),
    ],
)
def test_an_address(name: str, function: str, before: str, is_asked: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_text(before + PRINTS.format(function))
    [finding] = analyze([tmp_path], jobs=1).findings
    assert finding.group == ("decide" if is_asked else "context")
    assert finding.left == ("" if is_asked else WHY)


def test_an_option_is_of_any_socket(tmp_path: Path) -> None:
    call = "setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, n, 9)"
    (tmp_path / "netlink.c").write_text(f"int f(int s) {{ return {call}; }}\n")
    [finding] = analyze([tmp_path], jobs=1).findings
    assert finding.group == "decide"
