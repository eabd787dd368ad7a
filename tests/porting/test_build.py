"""A program ported at both levels serves and asks by name, without the shim."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from scaffold.lab import Lab
from scaffold_port.build import BuildError, build
from scaffold_port.ported import LEVELS
from scaffold_port.ports import Build, Origin, Port

SOURCE = Path(__file__).with_name("program")
NAME = "greet.demo.scaffold"


def port(*steps: str) -> Port:
    """Of the program that is built by these commands."""
    words = tuple(tuple(step.split()) for step in steps)
    source = Origin("debian", "greet", build=Build(words, ("greet",)))
    return Port("greet", "greet", "Apache-2.0", None, (source,))


@pytest.mark.parametrize("level", LEVELS)
def test_both_levels(level: str, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in SOURCE.iterdir()}
    programs = build(port("make -s"), level, [SOURCE], tmp_path / level)
    assert {path.name: path.read_bytes() for path in SOURCE.iterdir()} == before
    greet = programs / "greet"
    expect_ported(greet)
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        environment = {"SCAFFOLD_SERVICE": NAME}
        server = lab["a"].popen([greet, "serve", "80"], shim=False, env=environment)
        lab.await_service(f"{NAME}:80", process=server)
        done = lab["a"].run([greet, "ask", NAME, "80"], shim=False)
        assert done.stdout == "hello\n", done


def expect_ported(greet: Path) -> None:
    names = subprocess.run(["nm", "-D", greet], capture_output=True, text=True).stdout
    called = "socket bind listen accept connect setsockopt getsockopt shutdown getaddrinfo"
    for name in called.split():
        assert f" scaffold_{name}" in names
        assert f" {name}@" not in names


@pytest.mark.parametrize("level", LEVELS)
def test_with_cmake(level: str, tmp_path: Path) -> None:
    """Which gives libraries of its own no place behind the objects."""
    source = tmp_path / "greet"
    source.mkdir()
    shutil.copy(SOURCE / "greet.c", source)
    (source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.10)\nproject(greet C)\n"
        "add_link_options(-Wl,--as-needed)\nadd_executable(greet greet.c)\n"
    )
    steps = port("cmake .", "cmake --build .")
    expect_ported(build(steps, level, [source], tmp_path / level) / "greet")


def test_relinking_changes_no_line(tmp_path: Path) -> None:
    build(port("make -s"), "relink", [SOURCE], tmp_path / "relink")
    copy = tmp_path / "relink" / SOURCE.name / "greet.c"
    assert copy.read_bytes() == (SOURCE / "greet.c").read_bytes()


def test_steps_may_name_what_lies_beside_the_port(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("kept\n")
    about = replace(port("cp {port}/more greet"), folder=tmp_path)
    programs = build(about, "native", [SOURCE], tmp_path / "native")
    assert (programs / "greet").read_text() == "kept\n"


def test_a_step_that_fails_says_why(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source)
    (source / "greet.c").write_text("int main(void) { return nothing; }\n")
    with pytest.raises(BuildError, match=r"greet: make -s: (.|\n)*nothing"):
        build(port("make -s"), "native", [source], tmp_path / "native")
    with pytest.raises(BuildError, match="greet: no-such-make -s: No such file"):
        build(port("no-such-make -s"), "native", [SOURCE], tmp_path / "native")
    with pytest.raises(BuildError, match=r"has no \[source.build\]"):
        build(Port("x", "x", "x", None, ()), "native", [], tmp_path / "x")


def test_what_still_calls_libc_is_no_port(tmp_path: Path) -> None:
    """Unless it is said why."""
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source)
    text = (source / "greet.c").read_text()
    pasted = "#define OF(x) lis##x\nint (*kept)(int, int) = OF(ten);\n"
    (source / "greet.c").write_text(text + pasted)
    with pytest.raises(BuildError, match=r"greet: greet still calls libc's listen"):
        build(port("make -s"), "native", [source], tmp_path / "native")
    plain = port("make -s")
    [origin] = plain.sources
    assert origin.build is not None
    recipe = replace(origin.build, keeps=frozenset({"listen"}))
    kept = replace(plain, sources=(replace(origin, build=recipe),))
    assert (build(kept, "native", [source], tmp_path / "native") / "greet").exists()
