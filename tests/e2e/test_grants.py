"""Who may serve which names: what a router gives, what a provider's key grants, and what programs
and people are told without one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.common import serve_hello, within
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts

TRIES = """
import socket, sys
s = socket.socket()
try:
    s.bind(("0.0.0.0", 80))
    s.listen()
    print("serves")
except OSError as error:
    print(error.errno, error.strerror)
"""
TRIES_UDP = """
import socket
s = socket.socket(type=socket.SOCK_DGRAM)
try:
    s.bind(("0.0.0.0", 53))
    print("serves")
except OSError as error:
    print(error.errno, error.strerror)
"""
CLIENT = """
import socket, sys
try:
    print(socket.create_connection((sys.argv[1], 80), 20).recv(9).decode())
except OSError as error:
    print(error.errno, error.strerror)
"""
DENIED = "13 Permission denied"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(["r", "a", "b"], router="r", kind="loopback") as made:
        made.start()
        yield made


def scaffold(host: Host, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scaffold", *words, "--runtime-dir", str(host.runtime_dir)],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def says(host: Host, *words: str) -> str:
    done = scaffold(host, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def shown(host: Host) -> dict[str, object]:
    document: dict[str, object] = json.loads(says(host, "key", "show", "--json"))
    return document


def tries(host: Host, service: str, program: str = TRIES) -> str:
    return host.run([sys.executable, "-c", program], service=service).stdout.strip()


def asks(host: Host, service: str) -> str:
    return host.run([sys.executable, "-c", CLIENT, service]).stdout.strip()


def restart(host: Host) -> None:
    assert host.daemon is not None
    host.daemon.kill()
    host.daemon.wait()
    host.scaffoldd()


def test_a_providers_key_grants_its_names(lab: Lab) -> None:
    a, b = lab["a"], lab["b"]
    provider = says(b, "key", "new-provider")
    name = f"web.{provider}.scaffold"
    assert tries(a, name) == DENIED
    assert tries(a, name, TRIES_UDP) == DENIED
    assert "key grant" in a.log() and "key show" in a.log()
    within(20, lambda: "has shown no grant" in lab["r"].log())
    assert tries(b, name) == "serves"  # who has the key needs nothing else

    key = str(shown(a)["key"])
    grant = says(b, "key", "grant", name, key)
    assert grant.startswith("scg1-")
    refused = scaffold(b, "key", "install", grant)
    assert refused.returncode != 0 and "another host" in refused.stderr
    assert scaffold(a, "key", "install", grant[:-4] + "aaaa").returncode != 0
    assert scaffold(a, "key", "install", "-", text=f"{grant[:40]}\n{grant[40:]}\n").returncode == 0
    assert name in says(a, "key", "show")
    serve_hello(lab, a, name)
    assert asks(b, name) == "hello"
    assert tries(a, f"db.{provider}.scaffold") == DENIED

    for host in (lab["r"], a):  # nobody has to be asked again
        restart(host)
    within(30, lambda: asks(b, name) == "hello")
    assert name in says(a, "key", "show")


def test_what_cannot_be_granted(lab: Lab) -> None:
    a, b = lab["a"], lab["b"]
    key = str(shown(a)["key"])
    provider = says(b, "key", "new-provider")
    for words, reason in (
        (("web.demo.scaffold", key), "does not have that provider's key"),
        ((f"we b.{provider}.scaffold", key), "LABEL.PROVIDER.scaffold"),
        ((f"web.{provider}.scaffold", "abc"), "52 characters"),
        ((f"web.{provider}.scaffold", key, "--ports", "9-8"), "8000-8080/tcp"),
    ):
        done = scaffold(b, "key", "grant", *words)
        assert done.returncode != 0 and reason in done.stderr, done.stderr
    assert scaffold(a, "key", "grant", f"web.{provider}.scaffold", key).returncode != 0
    grant = says(b, "key", "grant", f"*.{provider}.scaffold", key, "--ports", "80-90/tcp")
    says(a, "key", "install", grant)
    assert "ports 80-90/tcp" in says(a, "key", "show")
    assert tries(a, f"web.{provider}.scaffold") == "serves"
    assert tries(a, f"web.{provider}.scaffold", TRIES_UDP) == DENIED


def test_another_hosts_name(lab: Lab) -> None:
    assert tries(lab["a"], "b.host.scaffold") == DENIED
    assert "another host's own name" in lab["a"].log()
    assert tries(lab["a"], "a.host.scaffold") == "serves"
    assert tries(lab["a"], "web.demo.scaffold") == "serves"


def test_an_alias_of_somebodys_own(lab: Lab) -> None:
    a, b, r = lab["a"], lab["b"], lab["r"]
    provider = says(b, "key", "new-provider")
    grants = [one for one in shown(b)["grants"] if one["how"] == "own key"]  # type: ignore[attr-defined]
    assert [one["provider"] for one in grants] == [provider]
    key = says(b, "key", "new-provider")  # another one is as good
    assert key != provider
    folder = next((b.runtime_dir.parent / "state").glob("*/keys"))
    for file in folder.glob("provider-*.key"):
        assert file.stat().st_mode & 0o777 == 0o600
    public = public_key(folder / f"provider-{provider}.key")
    says(r, "key", "trust", "acme", public)
    assert tries(a, "web.acme.scaffold") == DENIED
    serve_hello(lab, b, "web.acme.scaffold")
    assert asks(a, "web.acme.scaffold") == "hello"
    assert asks(a, f"web.{provider}.scaffold") == "hello"
    refused = scaffold(r, "key", "trust", "acme", "11" * 32)
    assert refused.returncode != 0 and "--replace" in refused.stderr


def public_key(file: Path) -> str:
    """By openssl, of a seed in base32."""
    import base64

    seed = base64.b32decode(file.read_text().strip().upper() + "====")
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    command = ["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"]
    return subprocess.run(command, input=der, capture_output=True, check=True).stdout[-32:].hex()


def test_an_operator_lists_who_serves_what() -> None:
    with Lab(["r", "a", "b"], router="r", kind="loopback") as lab:
        config = lab["r"].runtime_dir.parent / "scaffoldd.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text('[grants]\na = ["web.demo", "*.acme"]\n')
        lab["r"].scaffoldd(config=config)
        for host in (lab["a"], lab["b"]):
            host.scaffoldd()
        assert tries(lab["a"], "web.demo.scaffold") == "serves"
        assert tries(lab["a"], "x.acme.scaffold") == "serves"
        assert tries(lab["a"], "db.demo.scaffold") == DENIED
        assert tries(lab["b"], "web.demo.scaffold") == DENIED
        assert "[grants]" in lab["b"].log()
