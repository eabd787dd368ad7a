"""A process that has no socket of a service makes its program's system calls, and no others."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold.lab import Host

SOURCE = Path(__file__).with_name("quiet.c")
CHILD = re.compile(r"^(?:clone|clone3|fork|vfork)\(.*= (\d+)$")
ACCEPT = re.compile(r"^(accept4?\(\d+, )(?:NULL, NULL|.*\[.*?\])")
"""accept asks for the peer's address, also where the program does not."""
QUESTION = "rt_sigprocmask(POINTER"
"""Whether memory is there that is of none of the usual kinds: once for a page."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    program = tmp_path_factory.mktemp("quiet") / "quiet"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-result"]
    subprocess.run(["cc", *flags, "-o", program, SOURCE], check=True, timeout=60)
    return program


def calls(file: Path) -> list[str]:
    """What a process did, from main on, or from its beginning where it has no main of its own."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith(("+++", "---"))]
    while (at := next((n for n, x in enumerate(lines) if "PR_GET_DUMPABLE" in x), -1)) >= 0:
        lines = lines[at + 1 :]
    return lines


def alike(line: str, seen: dict[str, str]) -> str:
    """Without what no two runs have in common: processes, ports, and where memory is."""

    def number(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"#{len(seen)}")

    line = re.sub(r"0x[0-9a-f]{6,}", "POINTER", line)
    line = re.sub(r'sa_data="(?:\\.|[^"\\])*"\}', "sa_data=CUT}", line)
    line = ACCEPT.sub(r"\1ADDRESS", line)
    line = re.sub(r"\)\s+=", ") =", line)
    line = re.sub(r"htons\(\d{2,}\)", number, line)
    return re.sub(r"(?<=wait4\()\d+|(?<== )\d{3,}(?=$)", number, line)


def traces(host: Host, program: Path, out: Path, shim: bool) -> list[list[str]]:
    out.mkdir()
    strace = ["strace", "-ff", "-e", "signal=none", "-o", out / "trace", program]
    done = host.run(strace, shim=shim, timeout=120)
    assert done.stderr == ""
    pids = sorted(int(file.suffix[1:]) for file in out.iterdir())
    raw = {pid: calls(out / f"trace.{pid}") for pid in pids}
    born = {int(m[1]) for lines in raw.values() for line in lines if (m := CHILD.match(line))}
    [first] = set(pids) - born
    order = [first]
    for pid in order:
        order += [int(m[1]) for line in raw[pid] if (m := CHILD.match(line))]
    seen: dict[str, str] = {}
    return [[alike(line, seen) for line in raw[pid]] for pid in order]


def test_no_call_that_the_program_did_not_make(
    shared_host: Host, program: Path, tmp_path: Path
) -> None:
    native = traces(shared_host, program, tmp_path / "native", shim=False)
    ours = traces(shared_host, program, tmp_path / "ours", shim=True)
    assert len(native) == len(ours) == 4
    assert sum(line.startswith(QUESTION) for line in ours[0]) == 1
    ours = [[line for line in lines if not line.startswith(QUESTION)] for lines in ours]
    for before, after in zip(native, ours, strict=True):
        assert after == before
    assert len(native[0]) > 300
