"""The libmemcached tools against memcached, by service name: files as keys, then a load.

Short: 10 files, 10,000 sets and gets. Full: 100 files, 1,000,000 of each.
"""

import re
from pathlib import Path

from scaffold import scenario
from scaffold.lab import Lab
from scaffold.scenario import Result, check_level, expect, make_file, program, sha256, verified

_CACHE = scenario.load(Path(__file__).parents[1], "memcached")
SERVICE = "tools.demo.scaffold"
PORT = _CACHE.PORT
_CONCURRENCY = 10


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
    operations: int | None = None,
) -> Result:
    """What was stored must come back; what was removed must not."""
    check_level(level)
    files, operations = (100 if full else 10), operations or (1_000_000 if full else 10_000)
    result = Result()
    cache = _CACHE.serve(lab[server], SERVICE)
    lab.await_service(f"{SERVICE}:{PORT}", process=cache)
    with verified(lab, client, "memcslap", result):
        _store_files(lab, client, files)
        shown = _tool(lab, client, "memcstat")
        expect(f"Server: {SERVICE} ({PORT})" in shown, f"memcstat does not name it: {shown}")
        for test in ("set", "get"):
            result.figures[f"{test}_s"] = _load(lab, client, test, operations)
    result.figures.update(files=files, operations=2 * operations)
    lab[server].end(cache)
    return result


def _tool(lab: Lab, client: str, name: str, *words: str, timeout: float = 60) -> str:
    command = [program(name, "libmemcached-tools"), f"--servers={SERVICE}:{PORT}", *words]
    done = lab[client].run(command, timeout=timeout)
    scenario.succeeded(done, name)
    return done.stdout


def _store_files(lab: Lab, client: str, count: int) -> None:
    folder = lab.folder / client / "keys"
    digests = {f"key{n}": make_file(folder / f"key{n}", 1000 * (n + 1)) for n in range(count)}
    _tool(lab, client, "memccp", *(str(folder / name) for name in digests))
    back = folder / "back"
    for name, digest in digests.items():
        _tool(lab, client, "memccat", f"--file={back}", name)
        expect(sha256(back) == digest, f"{name} came back with different contents")
    _tool(lab, client, "memcrm", "key0")
    gone = [program("memcexist", "libmemcached-tools"), f"--servers={SERVICE}:{PORT}", "key0"]
    expect(lab[client].run(gone).returncode != 0, "a removed key is still there")


def _load(lab: Lab, client: str, test: str, operations: int) -> float:
    """Operations per second of memcslap; it counts its own failures."""
    each = operations // _CONCURRENCY
    words = [f"--concurrency={_CONCURRENCY}", f"--execute-number={each}", f"--test={test}"]
    if test == "get":
        words.append("--initial-load=10000")
    output = _tool(lab, client, "memcslap", *words, timeout=60 + operations / 500)
    found = re.search(rf"Time to {test}\s.*?([0-9.]+) seconds", output)
    expect(found is not None, f"memcslap --test={test} said nothing of its time: {output}")
    assert found is not None
    return operations / float(found.group(1))
