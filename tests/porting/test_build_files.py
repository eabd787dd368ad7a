"""What builds a program gets libscaffold's flags: the text, and real builds with it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from scaffold import paths
from scaffold_port.change.build_files import autoconf, change, cmake, left, make
from scaffold_port.change.build_files.errors import NotUnderstood
from scaffold_port.cli import main

PROGRAM = Path(__file__).with_name("program")
CALLS = {"socket", "bind", "listen", "accept", "connect", "getaddrinfo"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


# --- the text -------------------------------------------------------------------------------------


def test_a_tree_without_calls_stays(tmp_path: Path) -> None:
    (tmp_path / "configure.ac").write_text("AC_INIT([a], [1])\nAC_OUTPUT\n")
    (tmp_path / "a.c").write_text("int main(void) { return 0; }\n")
    done = CliRunner().invoke(main, ["rewrite", str(tmp_path), "--diff"])
    assert (done.exit_code, done.output) == (0, "")


@pytest.mark.parametrize(
    ("one", "before", "after"),
    [
        (
            autoconf.change,
            b"AC_INIT([a], [1])\nAC_PROG_CC\ndnl AC_OUTPUT\nAC_OUTPUT\n",
            b"AC_INIT([a], [1])\nAC_PROG_CC\ndnl AC_OUTPUT\n"
            b"PKG_CHECK_MODULES([SCAFFOLD], [scaffold])\n"
            b'CPPFLAGS="$CPPFLAGS $SCAFFOLD_CFLAGS"\n'
            b'LIBS="$SCAFFOLD_LIBS $LIBS"\n'
            b"AC_OUTPUT\n",
        ),
        (
            cmake.change,
            b"cmake_minimum_required(VERSION 3.10)\r\nproject(a\r\n  C)\r\nadd_executable(a a.c)",
            b"cmake_minimum_required(VERSION 3.10)\r\nproject(a\r\n  C)\r\n"
            b"find_package(PkgConfig REQUIRED)\r\n"
            b"pkg_check_modules(SCAFFOLD REQUIRED IMPORTED_TARGET scaffold)\r\n"
            b"link_libraries(PkgConfig::SCAFFOLD)\r\n"
            b"add_executable(a a.c)",
        ),
        (
            make.change,
            b"CFLAGS = -O2 \\\n  -g\nifdef X\nCFLAGS += -DX\nendif\n\n"
            b"a: a.o\n\t$(CC) $(CFLAGS) -o a a.o $(LIBS)\n",
            b"CFLAGS = -O2 \\\n  -g\nCFLAGS += $(shell pkg-config --cflags scaffold)\n"
            b"ifdef X\nCFLAGS += -DX\nendif\n\n"
            b"LIBS += $(shell pkg-config --libs scaffold)\n"
            b"a: a.o\n\t$(CC) $(CFLAGS) -o a a.o $(LIBS)\n",
        ),
        (
            make.change,
            b"a: a.o\n",
            b"CPPFLAGS += $(shell pkg-config --cflags scaffold)\n"
            b"LDLIBS += $(shell pkg-config --libs scaffold)\na: a.o\n",
        ),
    ],
)
def test_lines_come_where_they_work(
    one: Callable[[bytes, str], bytes], before: bytes, after: bytes
) -> None:
    assert one(before, "scaffold") == after
    assert one(after, "scaffold") == after


@pytest.mark.parametrize(
    ("one", "data", "why"),
    [
        (autoconf.change, b"m4_include([rest.ac])\n", "no AC_OUTPUT"),
        (cmake.change, b"add_subdirectory(src)\n", r"no project\(\)"),
        (make.change, b"PROG=a\n.include <bsd.prog.mk>\n", "BSD make"),
        (make.change, b"a: a.c\n\t$(CC) -o a a.c\n", "no variables for flags"),
    ],
)
def test_what_is_not_understood_is_said(
    one: Callable[[bytes, str], bytes], data: bytes, why: str
) -> None:
    with pytest.raises(NotUnderstood, match=why):
        one(data, "scaffold")


def test_which_files(tmp_path: Path) -> None:
    """What configures the tree, not what it makes; else the makefiles beside the sources."""
    source = tmp_path / "src/a.c"
    source.parent.mkdir()
    names = ("src/Makefile", "Makefile", "configure.ac")
    for name, text in zip(names, ("a: a.o\n", "all:\n", "AC_OUTPUT\n"), strict=True):
        (tmp_path / name).write_text(text)

    def changed() -> list[str]:
        found = change(tmp_path, [source], "scaffold")
        return [path.relative_to(tmp_path).as_posix() for path, _, _ in found]

    assert changed() == ["configure.ac"]
    (tmp_path / "configure.ac").unlink()
    assert changed() == ["Makefile"]
    (tmp_path / "Makefile").unlink()
    assert changed() == ["src/Makefile"]
    (tmp_path / "src/Makefile").unlink()
    assert changed() == []
    assert [one.reason[:13] for one in left(tmp_path, [source], "scaffold")] == ["no build file"]
    (tmp_path / "meson.build").write_text("")
    assert [one.path.name for one in left(tmp_path, [source], "scaffold")] == ["meson.build"]


# --- real builds ----------------------------------------------------------------------------------

TREES = {
    "make": {"Makefile": "greet: greet.o\n"},
    "autoconf": {
        "configure.ac": "AC_INIT([greet], [1])\nAC_PROG_CC\n"
        "AC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n",
        "Makefile.in": "CC = @CC@\nCPPFLAGS = @CPPFLAGS@\nCFLAGS = @CFLAGS@\nLIBS = @LIBS@\n"
        "greet: greet.c\n\t$(CC) $(CPPFLAGS) $(CFLAGS) -o greet greet.c $(LIBS)\n",
    },
    "automake": {
        "configure.ac": "AC_INIT([greet], [1])\nAM_INIT_AUTOMAKE([foreign])\nAC_PROG_CC\n"
        "AC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n",
        "Makefile.am": "bin_PROGRAMS = greet\ngreet_SOURCES = greet.c\n",
    },
    "cmake": {
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(greet C)\n"
        "add_executable(greet greet.c)\n"
    },
}
STEPS = {
    "make": ["make"],
    "autoconf": ["autoreconf -i", "./configure", "make"],
    "automake": ["autoreconf -i", "./configure", "make"],
    "cmake": ["cmake .", "cmake --build ."],
}


@pytest.mark.parametrize("level", ["relink", "native"])
@pytest.mark.parametrize("system", sorted(TREES))
def test_a_build_takes_libscaffold(system: str, level: str, tmp_path: Path) -> None:
    for step in STEPS[system]:
        tool = step.split()[0]
        if not tool.startswith("./") and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    tree = tmp_path / "tree"
    tree.mkdir()
    shutil.copy(PROGRAM / "greet.c", tree)
    for name, text in TREES[system].items():
        (tree / name).write_text(text)
    words = ["rewrite", str(tree), "--level", level, "--in-place"]
    assert CliRunner().invoke(main, words).exit_code == 0
    environment = os.environ | {
        "PKG_CONFIG_PATH": str(paths.part("libscaffold.so").parent / "pkgconfig")
    }
    for step in STEPS[system]:
        subprocess.run(step.split(), cwd=tree, env=environment, check=True, timeout=120)
    names = subprocess.run(["nm", "-D", tree / "greet"], capture_output=True, text=True).stdout
    for name in CALLS:
        assert f" scaffold_{name}" in names
        assert f" {name}@" not in names


def test_a_series_is_quilts(tmp_path: Path) -> None:
    """`patch -p1` over the series makes what --in-place makes."""
    trees = {}
    for name in ("patched", "rewritten"):
        trees[name] = tmp_path / name
        shutil.copytree(PROGRAM, trees[name])
    folder = tmp_path / "series"
    done = CliRunner().invoke(main, ["rewrite", str(trees["patched"]), "-o", str(folder)])
    assert done.exit_code == 0
    order = (folder / "series").read_text().splitlines()
    assert order == ["0001-calls.patch", "0002-build-files.patch"]
    left = (folder / "left-to-you.txt").read_text().splitlines()
    assert left == done.stderr.splitlines()
    assert left
    assert all("left to you: " in line for line in left)
    for name in order:
        text = (folder / name).read_text()
        assert text.startswith("Description: ")
        for field in ("Author: ", "Forwarded: ", "Last-Update: "):
            assert f"\n{field}" in text
        command = ["patch", "-p1", "-i", folder / name]
        subprocess.run(command, cwd=trees["patched"], check=True, capture_output=True)
    words = ["rewrite", str(trees["rewritten"]), "--in-place"]
    assert CliRunner().invoke(main, words).exit_code == 0
    for path in trees["rewritten"].iterdir():
        assert (trees["patched"] / path.name).read_bytes() == path.read_bytes()
    again = CliRunner().invoke(main, ["rewrite", str(trees["rewritten"]), "--diff"])
    assert again.stdout == ""
