"""What the libraries export is what their tables say, and nothing else."""

import re
import subprocess
from pathlib import Path

from scaffold import paths
from shim.shim_file import shim

ROOT = Path(__file__).parents[2]
CALLS = "libscaffold/client/calls.def"
TABLES = [CALLS, "shim/execs.def"]


def exported(library: str) -> set[str]:
    command = ["nm", "-D", "--defined-only", str(paths.part(library))]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[2].partition("@")[0] for line in lines if line.split()[1] != "A"}


def mapped(file: Path) -> set[str]:
    text = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
    assert re.search(r"local:\s*\*;", text)
    return set(re.findall(r"^\s*(\w+);", text, re.MULTILINE))


def table(*files: str) -> set[str]:
    text = "".join((ROOT / name).read_text() for name in files or TABLES)
    names = re.findall(r"^(?:CALL|OTHER|EXEC)\([\w ]+\*?, (\w+),", text, re.MULTILINE)
    return {*names, *re.findall(r"^ALIAS\((\w+),", text, re.MULTILINE)}


def test_the_shim_exports_its_table() -> None:
    names = table() | {"syscall", "_Fork", "clone"}  # shim/syscall.c, shim/forks.c
    assert exported(shim()) == names == mapped(ROOT / "shim/shim.map")


def test_the_shim_needs_libc_alone() -> None:
    command = ["readelf", "-d", str(paths.part(shim()))]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"NEEDED.*\[(.*)\]", text) == ["libc.so.6"]
    assert "BIND_NOW" in text or "NOW" in text


def test_what_is_preloaded_needs_nothing() -> None:
    """Any loader can load it: musl's, which knows no filters, then has nothing to look for."""
    command = ["readelf", "--wide", "-d", "-r", str(paths.part(paths.SHIM))]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Filter library" in text
    assert "NEEDED" not in text
    assert "There are no relocations" in text


def test_what_is_preloaded_finds_the_shim_beside_it() -> None:
    """Whatever CMake and generator built it: a $ may get lost on the way to the linker."""
    built = ROOT / "build/dev" / paths.part(paths.SHIM).name
    for library in (paths.part(paths.SHIM), *([built] if built.exists() else [])):
        command = ["readelf", "--wide", "-d", str(library)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert re.findall(r"Filter library: \[(.*)\]", text) == [f"$ORIGIN/{shim()}"]


def test_the_shim_locks_nothing() -> None:
    command = ["nm", "-D", "--undefined-only", str(paths.part(shim()))]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = {line.split()[-1].partition("@")[0] for line in text.splitlines()}
    assert not used & {"pthread_mutex_lock", "pthread_rwlock_wrlock", "pthread_create"}


def test_documented_names_exist() -> None:
    header = (ROOT / "libscaffold/include/scaffold/scaffold.h").read_text()
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    declared = set(re.findall(r"\b(scaffold_\w+)\(", code))
    assert declared <= exported("libscaffold.so")
