"""<scaffold/redirect.h>: programs relinked by every compiler, with what renames calls behind it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold import paths
from scaffold.lab import Host, Lab
from shim.test_exports import CALLS, exported, table

HERE = Path(__file__).parent
HEADER = HERE.parents[1] / "libscaffold/include/scaffold/redirect.h"
COMPILERS = ["gcc", "g++", "clang", "clang++"]
HARDENING = ["0", "1", "2", "3"]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab["a"]


def test_the_header_names_what_the_library_has() -> None:
    text = HEADER.read_text()
    renamed = re.findall(r"#pragma redefine_extname (\w+) (\w+)", text)
    renamed += re.findall(r"\.set (\w+), (\w+)", text)
    assert {name for name, _ in renamed} == table(CALLS)
    assert all(to == f"scaffold_{name}" for name, to in renamed)
    assert {to for _, to in renamed} <= exported("libscaffold.so")


def relinked(folder: Path, compiler: str, *flags: str) -> Path:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = folder / "relinked"
    library = paths.part("libscaffold.so")
    language = ["-x", "c++"] if compiler.endswith("++") else []
    subprocess.run(
        [
            *[compiler, "-Wall", "-Werror", *flags, "-include", HEADER, *language],
            *[HERE / "relinked.c", "-o", program, "-x", "none", library],
            f"-Wl,-rpath,{library.parent}",
        ],
        check=True,
        timeout=60,
    )
    return program


def undefined(program: Path) -> set[str]:
    command = ["nm", "-D", "--undefined-only", program]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].partition("@")[0] for line in text.splitlines()}


@pytest.mark.parametrize("large_files", [False, True], ids=["", "64-bit files"])
@pytest.mark.parametrize("level", HARDENING)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_call_stays_libcs(
    compiler: str, level: str, large_files: bool, host: Host, tmp_path: Path
) -> None:
    flags = ["-O2", "-U_FORTIFY_SOURCE", f"-D_FORTIFY_SOURCE={level}"]
    flags += ["-D_FILE_OFFSET_BITS=64"] if large_files else []
    program = relinked(tmp_path, compiler, *flags)
    assert undefined(program) & table() == set()
    done = host.run([program, "127.0.0.1", "4600"], shim=False, all_local=True)
    assert done.returncode == 0, done


def test_without_optimisation(host: Host, tmp_path: Path) -> None:
    program = relinked(tmp_path, "gcc", "-O0", "-g", "-fsanitize=address,undefined")
    done = host.run([program, "127.0.0.1", "4601"], shim=False, all_local=True)
    assert done.returncode == 0, done
