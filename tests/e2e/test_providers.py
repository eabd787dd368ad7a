"""Which key an alias stands for, as hosts have learnt it: another one is refused by all of them,
with both keys and the one command after which they go on."""

import json
import re
import sqlite3
import sys
import time
from contextlib import closing

from e2e.common import serve_hello
from scaffold.lab import Host, Lab

CLIENT = """
import socket
try:
    print(socket.create_connection(("web.demo.scaffold", 80), 20).recv(9).decode())
except OSError as error:
    print(error.errno, error.strerror)
"""


def scaffold(host: Host, *words: str) -> str:
    command = [sys.executable, "-c", "from scaffold.cli import main; main()", *words]
    done = host.run(command, shim=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def asks(host: Host) -> str:
    return host.run([sys.executable, "-c", CLIENT]).stdout.strip()


def refusal(host: Host) -> re.Match[str]:
    """What it says of the key. Until it hears of the router's restart it goes by what it knows."""
    pattern = (
        r"provider demo was ([0-9a-f]{64}); if that is so now: "
        r"scaffold (key trust demo ([0-9a-f]{64}) --replace)"
    )
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert asks(host) != "hello"
        if line := re.search(pattern, host.log()):
            return line
    raise AssertionError(host.log())


def known(host: Host) -> dict[str, str]:
    return {one["alias"]: one["key"] for one in json.loads(scaffold(host, "key", "list", "--json"))}


def test_another_key() -> None:
    with Lab(["r", "a", "b"], router="r", kind="loopback") as lab:
        lab.start()
        server = serve_hello(lab, lab["r"], "web.demo.scaffold")
        for client in (lab["a"], lab["b"]):
            assert asks(client) == "hello"
            before = known(client)["demo"]
        services = {one["name"]: one["trust"] for one in lab["r"].status()["services"]}
        assert services["web.demo.scaffold:80"] == "local"

        lab["r"].end(server)
        lab[
            "r"
        ].close()  # it is the same router when it comes back, but its aliases have other keys
        [state] = lab["r"].runtime_dir.parent.rglob("state.db")
        with closing(sqlite3.connect(state)) as db, db:
            db.execute("UPDATE meta SET value = randomblob(32) WHERE key = 'network_seed'")
            db.execute("DELETE FROM aliases")
        lab["r"].scaffoldd()
        serve_hello(lab, lab["r"], "web.demo.scaffold")
        for client in (lab["a"], lab["b"]):
            line = refusal(client)
            assert line[1] == before != line[3]
            assert asks(client) != "hello"
            scaffold(client, *line[2].split())
            assert asks(client) == "hello"
            assert known(client)["demo"] == line[3]
