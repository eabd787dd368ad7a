"""What `scaffold status` makes of scaffoldd's rows, and what it shows of many."""

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from python.fake_scaffoldd import FakeScaffoldd, rows_of
from scaffold import NoDaemon, cli, status

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/status.schema.json").read_text())


def host(name: str, up: bool = True) -> dict[str, Any]:
    return {"name": name, "address": "1:1", "underlay": "?", "role": "host stack", "up": up}


def instance(host: str, pid: int = 0, program: str = "") -> dict[str, Any]:
    return {"host": host, "pid": pid, "program": program, "lease_s": None if pid else 3.5}


def service(label: str, *instances: dict[str, Any]) -> dict[str, Any]:
    name = f"{label}.acme.scaffold:80"
    identity = name.encode().hex().ljust(64, "0")[:64]
    return {
        "name": name,
        "id": identity,
        "verified": False,
        "trust": "first-use",
        "instances": list(instances),
    }


def flow(number: int, label: str, program: str = "wget") -> dict[str, Any]:
    return {
        "id": f"{number:x}", "service": f"{label}.acme.scaffold:80", "pid": 7, "program": program,
        "plane": "user", "peer": f"198.18.0.1:{number}", "state": "open", "tx_bytes": 1 << 20,
        "rx_bytes": 10, "rtt_us": 0, "lost": 0, "relayed": False, "same_host": True,
    }  # fmt: skip


def grant() -> dict[str, Any]:
    return {
        "provider": "a" * 26, "pattern": "*", "how": "router", "state": "good", "from": 7,
        "until": 9, "first_port": 0, "last_port": 65535, "protocol": 0,
    }  # fmt: skip


def document(hosts: int = 1, flows: int = 0, *services: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": 1,
        "host": "here",
        "hosts": [host("here"), *(host(f"h{i:05}") for i in range(1, hosts))],
        "services": list(services),
        "flows": [flow(i, "web") for i in range(flows)],
        "providers": [{"alias": "acme", "key": "0" * 64, "how": "first-use", "since": 7}],
        "grants": [grant()],
        "counters": {"received": 7},
    }


def sent(rows: list[str]) -> bytes:
    return "".join(rows).encode()


def test_rows_in_any_order_are_one_document() -> None:
    web = service("web", *(instance("here", pid, "nginx") for pid in range(1, 9)), instance("z"))
    whole = document(9, 5, service("dns", instance("a"), instance("b")), web)
    first, own, *rest, end = rows_of(whole)
    random.Random(3).shuffle(rest)
    assembled = status.assemble(sent([first, own, *rest, end]))
    assembled["flows"].sort(key=lambda one: one["id"])
    assert assembled == whole
    jsonschema.validate(assembled, SCHEMA)


@pytest.mark.parametrize("kept", [0, 1, 3, -1])
def test_what_broke_off_is_no_status(kept: int) -> None:
    rows = rows_of(document(5))
    with pytest.raises(NoDaemon, match="broke off"):
        status.assemble(sent(rows[:kept]))
    with pytest.raises(NoDaemon, match="broke off"):
        status.assemble(sent(rows)[:-1])


def test_names_of_programs_may_be_any_bytes() -> None:
    rows = rows_of(document() | {"flows": [flow(1, "web", "PROGRAM")]})
    one = status.assemble(sent(rows).replace(b"PROGRAM", b"[/b] \xff\x9b"))["flows"][0]
    assert one["program"] == "[/b] \ufffd\ufffd"


@pytest.mark.parametrize("name", ["\x1b[2J", "[/bold]", "a\nb", "a\u202eb"])
def test_names_of_programs_do_not_reach_the_terminal(name: str, tmp_path: Path) -> None:
    shown = document() | {"flows": [flow(1, "web", name)]}
    with FakeScaffoldd(tmp_path, shown):
        result = CliRunner().invoke(cli.main, ["status", "--runtime-dir", str(tmp_path)])
    assert result.exit_code == 0
    text = result.output
    assert all(c.isprintable() or c == "\n" for c in text)
    assert len(text.splitlines()) == 9


def shown(folder: Path, whole: dict[str, Any], *words: str) -> str:
    with FakeScaffoldd(folder, whole):
        result = CliRunner().invoke(cli.main, ["status", "--runtime-dir", str(folder), *words])
    (folder / "ctl").unlink()
    assert result.exit_code == 0, result.output
    return result.output


def test_what_nobody_counts(tmp_path: Path) -> None:
    """A flow of the local plane has no figures, and the totals are those of the others."""
    unknown = dict.fromkeys(["tx_bytes", "rx_bytes", "rtt_us", "lost"])
    near = flow(2, "near") | {"plane": "local", "uid": 0, "age_s": 0.5} | unknown
    whole = document() | {"flows": [flow(1, "web"), near]}
    jsonschema.validate(whole, SCHEMA)
    text = shown(tmp_path, whole)
    assert "Flows: 2, 2 open, 1.0 MiB sent, 10 B received\n" in text
    [row] = [row.split() for row in text.splitlines() if "near.acme.scaffold" in row]
    assert row[3:] == ["local", "198.18.0.1:2", "open", "-", "-", "-", "-"]


def test_totals_and_the_first_rows(tmp_path: Path) -> None:
    many = service("web", *(instance(f"h{i:05}") for i in range(1, 121)))
    whole = document(200, 12_345, many)
    whole["hosts"][7]["up"] = False
    text = shown(tmp_path, whole)
    assert "Hosts: 200, 1 down\n" in text
    assert "Services: 1, 120 instances\n" in text
    assert "Flows: 12,345, 12,345 open, 12.1 GiB sent, 120.6 KiB received\n" in text
    assert "... and 12,295 more: --all shows them, NAME a part of them\n" in text
    assert len(text.splitlines()) == 3 * (1 + 1 + status.SHOWN + 1) + 2


def test_what_is_said_of_an_instance(tmp_path: Path) -> None:
    """Those of this host need no lease; that nothing is verified says nothing about any of them."""
    web = service("web", instance("here", 9, "nginx"), instance("h00001"))
    text = shown(tmp_path, document(2, 0, web))
    assert "verified" not in text
    assert [line.split()[-1] for line in text.splitlines() if "nginx" in line] == ["local"]
    assert "3.5 s" in text
    dns = service("dns", instance("here", 8, "named")) | {"verified": True}
    text = shown(tmp_path, document(2, 0, web, dns))
    rows = {line.split()[0]: line.split()[1] for line in text.splitlines() if ".acme" in line}
    assert rows == {"web.acme.scaffold:80": "no", "dns.acme.scaffold:80": "yes"}


def test_all_rows(tmp_path: Path) -> None:
    text = shown(tmp_path, document(100, 500), "--all")
    assert "more: --all" not in text
    assert text.count("198.18.0.1:") == 500
    assert all(f"\nh{i:05} " in text for i in range(1, 100))


@pytest.mark.parametrize(
    ("name", "hosts", "instances", "flows"),
    [
        ("web", 0, 2, 3),
        ("dns.acme", 0, 1, 0),
        ("h00002", 1, 1, 0),
        ("nginx", 0, 1, 0),
        ("wget", 0, 0, 3),
        ("nobody", 0, 0, 0),
    ],
)
def test_a_part(tmp_path: Path, name: str, hosts: int, instances: int, flows: int) -> None:
    web = service("web", instance("here", 9, "nginx"), instance("h00001"))
    whole = document(5, 3, web, service("dns", instance("h00002")))
    part = json.loads(shown(tmp_path, whole, "--json", name))
    jsonschema.validate(part, SCHEMA)
    assert len(part["hosts"]) == hosts
    assert sum(len(one["instances"]) for one in part["services"]) == instances
    assert len(part["flows"]) == flows
    assert part["counters"] == whole["counters"]
    assert f"Hosts: {hosts}" in shown(tmp_path, whole, name)
