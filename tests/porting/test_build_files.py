"""What builds a program gets libscaffold's flags: the text, and real builds with it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from scaffold import paths
from scaffold.lab import Lab
from scaffold_port.change.build_files import autoconf, cmake, make, plan
from scaffold_port.change.build_files.errors import NotUnderstood
from scaffold_port.change.write import replace
from scaffold_port.cli import main
from scaffold_port.commands import rewrite as command

PROGRAM = Path(__file__).with_name("program")
CALLS = {"socket", "bind", "listen", "accept", "connect", "getaddrinfo"}
Change = Callable[[bytes, str], bytes]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


# --- the text -------------------------------------------------------------------------------------


def test_a_tree_without_calls_stays(tmp_path: Path) -> None:
    (tmp_path / "configure.ac").write_text("AC_INIT([a], [1])\nAC_OUTPUT\n")
    (tmp_path / "a.c").write_text("int main(void) { return 0; }\n")
    done = CliRunner().invoke(main, ["rewrite", str(tmp_path), "--diff"])
    assert (done.exit_code, done.output) == (0, "")


def test_python_is_not_linked(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("a: a.o\n")
    (tmp_path / "a.py").write_text("import socket\nsocket.create_connection(('a', 80))\n")
    done = CliRunner().invoke(main, ["rewrite", str(tmp_path), "--diff"])
    assert "+++ b/a.py" in done.stdout
    assert "Makefile" not in done.output


def test_the_second_run_ends_what_the_first_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls come last: without any left, nothing would say that there is more to do."""
    tree = tmp_path / "tree"
    shutil.copytree(PROGRAM, tree)
    words = ["rewrite", str(tree), "--in-place"]

    def once(path: Path, data: bytes) -> None:
        replace(path, data)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "replace", once)
        assert CliRunner().invoke(main, words).exit_code != 0
    assert CliRunner().invoke(main, words).exit_code == 1
    assert "pkg-config --libs scaffold" in (tree / "Makefile").read_text()
    assert "scaffold_listen" in (tree / "greet.c").read_text()


AUTOCONF = b"AC_INIT([a], [1])\nAC_PROG_CC\ndnl AC_OUTPUT\n"
CMAKE = b'cmake_minimum_required(VERSION 3.10)\r\nproject(a\r\n  DESCRIPTION "a (b)")\r\n'


@pytest.mark.parametrize(
    ("one", "before", "added", "after"),
    [
        (
            autoconf.change,
            AUTOCONF,
            b'CPPFLAGS="$CPPFLAGS `${PKG_CONFIG:-pkg-config} --cflags scaffold`"'
            b" || AC_MSG_ERROR([no scaffold.pc])\n"
            b'LIBS="`${PKG_CONFIG:-pkg-config} --libs scaffold` $LIBS"\n',
            b"AC_OUTPUT",
        ),
        (
            cmake.change,
            CMAKE,
            b"find_package(PkgConfig REQUIRED)\r\n"
            b"pkg_check_modules(SCAFFOLD REQUIRED IMPORTED_TARGET scaffold)\r\n"
            b"link_libraries($<BUILD_INTERFACE:PkgConfig::SCAFFOLD>)\r\n",
            b"add_executable(a a.c)",
        ),
        (
            make.change,
            b"",
            b"CPPFLAGS += $(shell pkg-config --cflags scaffold)\n"
            b"LDLIBS += $(shell pkg-config --libs scaffold)\n",
            b"a: a.o",
        ),
    ],
)
def test_lines_come_where_they_work(one: Change, before: bytes, added: bytes, after: bytes) -> None:
    assert one(before + after, "scaffold") == before + added + after
    assert one(before + added + after, "scaffold") == before + added + after


CFLAGS = "CFLAGS += $(shell pkg-config --cflags scaffold)\n"
CXXFLAGS = "CXXFLAGS += $(shell pkg-config --cflags scaffold)\n"
LIBS = "LIBS += $(shell pkg-config --libs scaffold)\n"
RULE = "a: a.o\n\t$(CC) $(CFLAGS) -o a a.o $(LIBS)\n"
CPPFLAGS = "CPPFLAGS += $(shell pkg-config --cflags scaffold)\n"
LINK = "a: a.o\n\t$(CC) -o $@ a.o $(LIBS)\n"
FRONT = "a: a.o\n\t$(CC) $(LDFLAGS) -o $@ a.o\n"
LDFLAGS = (
    "LDFLAGS += -Wl,--push-state,--no-as-needed $(shell pkg-config --libs scaffold)"
    " -Wl,--pop-state\n"
)
RULES = RULE + "b: b.cc\n\t$(CXX) $(CXXFLAGS) -o b b.cc $(LIBS)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"CFLAGS = -O2 \\\n  -g\n\n{RULE}", f"CFLAGS = -O2 \\\n  -g\n{CFLAGS}\n{LIBS}{RULE}"),
        (
            f"ifdef X\n\tCFLAGS = -DX\nendif\nLIBS = -lm\n{RULE}",
            f"ifdef X\n\tCFLAGS = -DX\nendif\n{CFLAGS}LIBS = -lm\n{LIBS}{RULE}",
        ),
        (
            f"{RULE}t:\n\tCFLAGS=-O0 ./t\n\t./u\n",
            f"{CFLAGS}{LIBS}{RULE}t:\n\tCFLAGS=-O0 ./t\n\t./u\n",
        ),
        (f"# $(CPPFLAGS)\n{RULES}", f"# $(CPPFLAGS)\n{CFLAGS}{CXXFLAGS}{LIBS}{RULES}"),
        (f"# pkg-config scaffold\n{RULE}", f"# pkg-config scaffold\n{CFLAGS}{LIBS}{RULE}"),
        (f"CFLAGS = -O2\n{LINK}", f"CFLAGS = -O2\n{CPPFLAGS}{LIBS}{LINK}"),
        (f"{FRONT}", f"{CPPFLAGS}{LDFLAGS}{FRONT}"),
    ],
    ids=[
        "continued",
        "condition",
        "recipe",
        "two languages",
        "comment",
        "make's own recipe",
        "before the objects",
    ],
)
def test_nothing_undoes_the_flags_of_a_makefile(before: str, after: str) -> None:
    assert make.change(before.encode(), "scaffold").decode() == after
    assert make.change(after.encode(), "scaffold").decode() == after


@pytest.mark.parametrize(
    ("one", "data"),
    [
        (autoconf.change, b"PKG_CHECK_MODULES(SCAFFOLD, [libx scaffold >= 0.1])\nAC_OUTPUT\n"),
        (cmake.change, b"project(a)\npkg_check_modules(S REQUIRED scaffold)\n"),
        (make.change, b"a: a.c\n\t$(CC) a.c `pkg-config --cflags --libs scaffold` $(LIBS)\n"),
    ],
)
def test_who_asks_already_stays(one: Change, data: bytes) -> None:
    assert one(data, "scaffold") == data


@pytest.mark.parametrize(
    ("one", "data", "why"),
    [
        (autoconf.change, b"m4_include([rest.ac])\n", "no AC_OUTPUT"),
        (cmake.change, b"add_subdirectory(src)\n", r"no project\(\)"),
        (make.change, b"PROG=a\n.include <bsd.prog.mk>\n", "not for GNU make"),
        (make.change, b"!include <win32.mak>\n", "not for GNU make"),
        (make.change, b"# Generated from a.in by b.\na: a.o\n", "generated: change what it is"),
        (make.change, b"a: a.c\n\tcc $(CFLAGS) -o a a.c\n", "no variable for libraries"),
        (autoconf.change, b"if x; then\n AC_OUTPUT\nfi\n", "no AC_OUTPUT at a line's beginning"),
        (make.change, b"a: CFLAGS = -g\n" + RULE.encode(), "a target has CFLAGS of its own"),
        (make.change, b"a: a.c\n\tgcc -o a a.c\n", "no variable for flags and libraries"),
        (make.change, b"a: a.c $(LIBS)\n\tgcc $(CFLAGS) $< $(LIBS)\n", "no variable for libraries"),
        (make.change, b"a: load a.o\n\t./load a\na.o: \\\n a.c\n\t./compile a.c\n", "no variable"),
    ],
)
def test_what_is_not_understood_is_said(one: Change, data: bytes, why: str) -> None:
    with pytest.raises(NotUnderstood, match=why):
        one(data, "scaffold")


# --- which files ----------------------------------------------------------------------------------

COMPILES, RECURSES = "a: a.o\n", "all:\n\t$(MAKE) -C src\nclean:\n\trm -f *.o\n"
PARTS = "AC_CONFIG_SUBDIRS([src\n  other])\nAC_OUTPUT\n"


@pytest.mark.parametrize(
    ("files", "changed", "left"),
    [
        ({"configure.ac": "AC_OUTPUT\n", "src/Makefile": COMPILES}, "configure.ac", ""),
        ({"configure.ac": "AC_OUTPUT\n", "Makefile.am": ""}, "configure.ac", ""),
        ({"configure.ac": "AC_OUTPUT\n", "src/configure.ac": "AC_OUTPUT\n"}, "configure.ac", ""),
        (
            {"configure.ac": PARTS, "src/configure.in": "AC_OUTPUT\n", "other/configure.ac": ""},
            "configure.ac src/configure.in",
            "",
        ),
        (
            {"CMakeLists.txt": "project(a)\n", "src/CMakeLists.txt": "project(b)\n"},
            "CMakeLists.txt",
            "",
        ),
        (
            {"configure.ac": "AC_OUTPUT\n", "CMakeLists.txt": "project(a)\n", "meson.build": ""},
            "CMakeLists.txt configure.ac",
            "meson.build: not understood",
        ),
        ({"Makefile": RECURSES, "src/Makefile": COMPILES}, "src/Makefile", ""),
        (
            {"CMakeLists.txt": "project(a)\n", "Makefile": RECURSES, "src/Makefile": COMPILES},
            "CMakeLists.txt src/Makefile",
            "",
        ),
        (
            {"CMakeLists.txt": "project(a)\n", "src/Makefile": f"# Generated by b\n{COMPILES}"},
            "CMakeLists.txt",
            "",
        ),
        ({"Makefile": COMPILES, "src/Makefile": COMPILES}, "Makefile src/Makefile", ""),
        ({"src/GNUmakefile": COMPILES, "src/Makefile": COMPILES}, "src/GNUmakefile", ""),
        ({"Makefile": COMPILES, "other/Makefile": COMPILES}, "Makefile", ""),
        ({"Makefile": "a: a.c\n\tgcc a.c\n"}, "", "Makefile: its recipes have no variable for"),
        ({"src/Makefile.am": ""}, "", "src/Makefile.am: not understood"),
        ({"Makefile": RECURSES}, "", "src: nothing that is understood builds it"),
    ],
)
def test_which_files(files: dict[str, str], changed: str, left: str, tmp_path: Path) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    done = plan(tmp_path, [tmp_path / "src/a.c"], "scaffold")
    names = [path.relative_to(tmp_path).as_posix() for path, _, _ in done.changes]
    assert names == changed.split()
    lines = [f"{one.path.relative_to(tmp_path)}: {one.reason}" for one in done.left]
    assert [line[: len(left)] for line in lines] == ([left] if left else [])
    assert all("`pkg-config --cflags --libs scaffold`" in line for line in lines)


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
    "autoconf": ["autoconf", "./configure", "make"],
    "automake": ["autoreconf -i", "./configure", "make"],
    "cmake": ["cmake .", "cmake --build ."],
}


def rewritten(tree: Path, files: dict[str, str], level: str) -> None:
    tree.mkdir()
    shutil.copy(PROGRAM / "greet.c", tree)
    for name, text in files.items():
        (tree / name).write_text(text)
    done = CliRunner().invoke(main, ["rewrite", str(tree), "--level", level, "--in-place"])
    assert done.exit_code == 1


def build(tree: Path, steps: list[str], found: Path) -> None:
    """With what pkg-config finds in one folder."""
    for tool in (step.split()[0] for step in steps):
        if not tool.startswith("./") and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    environment = os.environ | {"PKG_CONFIG_PATH": "", "PKG_CONFIG_LIBDIR": str(found)}
    for step in steps:
        command = step.split()
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, timeout=120)
        assert done.returncode == 0, (step, done.stdout, done.stderr)


def modules() -> Path:
    return paths.part("libscaffold.so").parent / "pkgconfig"


@pytest.mark.parametrize("level", ["relink", "native"])
@pytest.mark.parametrize("system", sorted(TREES))
def test_a_build_takes_libscaffold(system: str, level: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    rewritten(tree, TREES[system], level)
    build(tree, STEPS[system], modules())
    greet = tree / "greet"
    names = subprocess.run(["nm", "-D", greet], capture_output=True, text=True).stdout
    for name in CALLS:
        assert f" scaffold_{name}" in names
        assert f" {name}@" not in names
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        service = {"SCAFFOLD_SERVICE": "greet.demo.scaffold"}
        server = lab["a"].popen([greet, "serve", "80"], shim=False, env=service)
        lab.await_service("greet.demo.scaffold:80", process=server)
        done = lab["a"].run([greet, "ask", "greet.demo.scaffold", "80"], shim=False)
        assert done.stdout == "hello\n", done


def test_configure_says_that_the_library_is_missing(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    rewritten(tree, TREES["autoconf"], "native")
    with pytest.raises(AssertionError, match=r"configure: error: no scaffold\.pc"):
        build(tree, ["autoconf", "./configure"], tmp_path)


def test_users_of_a_library_need_no_target_of_ours(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    lists = (
        "cmake_minimum_required(VERSION 3.10)\nproject(greet C)\nadd_library(greet greet.c)\n"
        "install(TARGETS greet EXPORT greet)\ninstall(EXPORT greet DESTINATION cmake)\n"
    )
    rewritten(tree, {"CMakeLists.txt": lists}, "native")
    build(tree, ["cmake .", "cmake --build .", "cmake --install . --prefix installed"], modules())
    [exported] = (tree / "installed/cmake").glob("greet.cmake")
    assert "SCAFFOLD" not in exported.read_text()


def test_a_series_is_quilts(tmp_path: Path) -> None:
    """`patch -p1` over the series makes what --in-place makes."""
    trees = {}
    for name in ("patched", "rewritten"):
        trees[name] = tmp_path / name
        shutil.copytree(PROGRAM, trees[name])
    folder = tmp_path / "series"
    done = CliRunner().invoke(main, ["rewrite", str(trees["patched"]), "-o", str(folder)])
    assert done.exit_code == 1
    order = (folder / "series").read_text().splitlines()
    assert order == ["0001-calls.patch", "0002-build-files.patch"]
    left = (folder / "left-to-you.txt").read_text().splitlines()
    assert left == done.stderr.splitlines()
    assert left
    assert all("left to you: " in line for line in left[:-1])
    for name in order:
        text = (folder / name).read_text()
        assert text.startswith("Description: ")
        for field in ("Author: ", "Forwarded: ", "Last-Update: "):
            assert f"\n{field}" in text
        command = ["patch", "-p1", "-i", folder / name]
        subprocess.run(command, cwd=trees["patched"], check=True, capture_output=True)
    words = ["rewrite", str(trees["rewritten"]), "--in-place"]
    assert CliRunner().invoke(main, words).exit_code == 1
    for path in trees["rewritten"].iterdir():
        assert (trees["patched"] / path.name).read_bytes() == path.read_bytes()
    again = CliRunner().invoke(main, ["rewrite", str(trees["rewritten"]), "--diff"])
    assert again.stdout == ""
