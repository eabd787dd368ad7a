"""memcached's own test suite, server and clients with every loopback socket on a service: what
passes natively passes."""

import multiprocessing
import subprocess
from pathlib import Path

import pytest

from scaffold.lab import Host, Lab
from scaffold_port.fetch.debian import fetch

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]

PATIENCE_S = 400
"""For one file; the slowest takes about a minute natively."""
TRIES = 3
"""Several files wait for background threads by the clock and fail now and then, natively as well:
a difference is one that stays."""


def build(folder: Path) -> Path:
    source = fetch("memcached", folder)
    jobs = f"-j{multiprocessing.cpu_count()}"
    for command in (
        ["./configure", "--quiet", "--disable-docs"],
        ["make", "-s", jobs, "memcached", "memcached-debug", "timedrun", "sizes", "testapp"],
    ):
        done = subprocess.run(command, cwd=source, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.fail(f"{command[0]}: {done.stderr[-2000:]}", pytrace=False)
    return source


def passes(source: Path, file: Path, host: Host, *, all_local: bool) -> tuple[bool, str]:
    command = ["sh", "-c", f"cd {source} && exec prove t/{file.name}"]
    try:
        done = host.run(command, shim=all_local, all_local=all_local, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return False, f"no end after {PATIENCE_S} s"
    return done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def differs(source: Path, file: Path, host: Host) -> str:
    """What the shim's side said, when it fails and the native one passes."""
    said = ""
    for _ in range(TRIES):
        ok, said = passes(source, file, host, all_local=True)
        if ok or not passes(source, file, host, all_local=False)[0]:
            return ""
    return said


def test_memcached_suite(loopback_lab: Lab, tmp_path: Path, figures: dict[str, float]) -> None:
    source = build(tmp_path)
    files = sorted((source / "t").glob("*.t"))
    assert len(files) > 80
    host = loopback_lab["a"]
    natively = [file for file in files if passes(source, file, host, all_local=False)[0]]
    found = {file.name: said for file in natively if (said := differs(source, file, host))}
    figures.update(
        {"files": len(files), "native": len(natively), "shim": len(natively) - len(found)}
    )
    assert not found, "\n".join(f"{name}: {said}" for name, said in found.items())
