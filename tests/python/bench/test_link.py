"""What a link is asked to be."""

import pytest

from scaffold import ServiceError, namespaces
from scaffold.bench import Plan, check, check_rate
from scaffold.bench.hosts import hosts
from scaffold.bench.link import describe, mbit
from scaffold.lab import Lab

CONGESTION = (
    "import socket\n"
    "from socket import IPPROTO_TCP, TCP_CONGESTION\n"
    "with socket.create_server(('', 0)) as s:\n"
    "    for address in ('127.0.0.1', '10.83.0.1'):\n"
    "        with socket.create_connection((address, s.getsockname()[1])) as client:\n"
    "            server = s.accept()[0]\n"
    "            for end in (client, server):\n"
    "                name = end.getsockopt(IPPROTO_TCP, TCP_CONGESTION, 16)\n"
    "                print(name.rstrip(b'\\0').decode())\n"
)


@pytest.mark.parametrize(
    ("rate", "megabits"), [("1gbit", 1000), ("2.5mbit", 2.5), ("500kbit", 0.5)]
)
def test_rates(rate: str, megabits: float) -> None:
    assert mbit(rate) == megabits


@pytest.mark.parametrize("rate", ["", "1", "gbit", "1 mb", "fastbit"])
def test_bad_rates(rate: str) -> None:
    with pytest.raises(ServiceError, match="write for example"):
        check_rate(rate)


def test_the_kernel_must_have_the_congestion_control(can_make_namespaces: bool) -> None:
    if not can_make_namespaces:
        pytest.skip("network namespaces need root")
    with pytest.raises(ServiceError, match=r"no congestion control vegan; it has .*reno"):
        check(Plan(congestion="vegan"))


def test_loopback_has_the_machines_congestion_control() -> None:
    with pytest.raises(ServiceError, match="--congestion is set on routes"):
        check(Plan(kind="loopback", congestion="reno"))


@pytest.mark.hosts
def test_every_route_has_the_congestion_control(can_make_namespaces: bool) -> None:
    """Loopback, too: what is measured between programs of one host is TCP all the same. And
    scaffoldd is told, which ends when it has no such one."""
    if not can_make_namespaces:
        pytest.skip("network namespaces need root")
    plan, name = Plan(kind="namespaces"), "cubic"
    with hosts(plan) as lab:
        done = lab["a"].run(["python3", "-c", CONGESTION], shim=False)
        assert done.stdout.split() == [name] * 4, done.stderr
        assert namespaces.ip("route", namespace=lab["b"].namespace).rstrip().endswith(name)
        assert describe(lab, plan)["congestion"] == name
        assert (lab.folder / "scaffoldd.toml").read_text() == f'congestion = "{name}"\n'


@pytest.mark.hosts
def test_a_link_need_not_be_up_yet(can_make_namespaces: bool) -> None:
    """Until its other end is, the kernel shows the route as `linkdown`."""
    if not can_make_namespaces:
        pytest.skip("network namespaces need root")
    with Lab(["a", "b"], kind="namespaces", link=False) as lab:
        up, down = (str(lab[name].namespace) for name in "ab")
        namespaces.connect_pair(up, down)
        namespaces.configure(up, "10.83.0.1", 1500)
        assert "linkdown" in namespaces.ip("route", namespace=up)
        namespaces.congestion(up, "reno")
        assert "congctl reno" in namespaces.ip("route", namespace=up)
