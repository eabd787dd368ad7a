"""Libraries are found as ld.so finds them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold_port.binary import closure, elf
from scaffold_port.binary.libraries import Libraries, configured_folders, of_this_machine

from .conftest import Build

MAIN = "int main(void) { return 0; }"
LIBRARY = "int %s(void) { return 0; }"


def library(build: Build, path: str, *flags: str, soname: str = "") -> Path:
    name = soname or Path(path).name
    source = LIBRARY % Path(path).name.split(".")[0].replace("-", "_")
    always = ("-shared", "-fPIC", "-nostdlib", "-Wl,--no-as-needed", f"-Wl,-soname,{name}")
    return build(path, source, *always, *flags)


def program(build: Build, path: str, *flags: str) -> Path:
    always = (
        "-Wl,--no-as-needed",
        "-Wl,--allow-shlib-undefined",
        "-Wl,--unresolved-symbols=ignore-all",
    )
    return build(path, MAIN, *always, *flags)


def names(found: closure.Closure) -> list[str]:
    return [str(one.path) for one in found.objects]


def own(found: closure.Closure, folder: Path) -> list[str]:
    paths = (one.path for one in found.objects)
    return [str(path.relative_to(folder)) for path in paths if path.is_relative_to(folder)]


@pytest.mark.parametrize("name", ["ab", "wget", "elinks", "memcached", "bash"])
def test_ld_so_agrees(name: str) -> None:
    """`ld.so --list` is ld.so itself; the program does not run."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    program = elf.read(Path(path))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
    command = [str(program.interpreter), "--list", path]
    lines = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
    fields = (line.split() for line in lines.stdout.splitlines() if "vdso" not in line)
    expected = {os.path.realpath(f[2] if "=>" in f else f[0]) for f in fields}
    found = {os.path.realpath(one.path) for one in closure.resolve(program).objects[1:]}
    assert found == expected


@pytest.mark.parametrize("tags", ["--enable-new-dtags", "--disable-new-dtags"])
def test_origin(build: Build, tmp_path: Path, tags: str) -> None:
    made = library(build, "lib/libone.so")
    path = program(build, "bin/it", str(made), "-Wl,-rpath,$ORIGIN/../lib", f"-Wl,{tags}")
    (tmp_path / "link").symlink_to(path)
    for start in (path, tmp_path / "link"):
        found = closure.resolve(elf.read(start))
        assert "lib/libone.so" in own(found, tmp_path)
        assert found.missing == ()


@pytest.mark.parametrize(("tags", "reaches"), [("enable", False), ("disable", True)])
def test_only_rpath_reaches_libraries_of_libraries(
    build: Build, tmp_path: Path, tags: str, reaches: bool
) -> None:
    two = library(build, "lib/libtwo.so")
    one = library(build, "lib/libone.so", str(two))
    flags = (f"-Wl,-rpath,{tmp_path}/lib", f"-Wl,--{tags}-new-dtags")
    found = closure.resolve(elf.read(program(build, "it", str(one), *flags)))
    assert ("lib/libtwo.so" in own(found, tmp_path)) == reaches
    assert found.missing == (() if reaches else ("libtwo.so",))


def test_a_library_with_runpath_hides_the_programs_rpath(build: Build, tmp_path: Path) -> None:
    two = library(build, "lib/libtwo.so")
    flags = (str(two), "-Wl,-rpath,/nowhere", "-Wl,--enable-new-dtags")
    one = library(build, "lib/libone.so", *flags)
    flags = (str(one), f"-Wl,-rpath,{tmp_path}/lib", "-Wl,--disable-new-dtags")
    assert closure.resolve(elf.read(program(build, "it", *flags))).missing == ("libtwo.so",)


def test_ld_library_path_is_ignored(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = library(build, "lib/libone.so")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path / "lib"))
    assert closure.resolve(elf.read(program(build, "it", str(one)))).missing == ("libone.so",)


def test_the_cache_and_configured_folders(build: Build, tmp_path: Path) -> None:
    one = library(build, "lib/libone.so")
    path = program(build, "it", str(one), "-nostdlib", "-nostartfiles", "-e", "main")
    for libraries in (Libraries({"libone.so": [str(one)]}), Libraries({}, (str(one.parent),))):
        assert names(closure.resolve(elf.read(path), libraries)) == [str(path), str(one)]


def test_a_circle_is_walked_once(build: Build, tmp_path: Path) -> None:
    rpath = f"-Wl,-rpath,{tmp_path}"
    library(build, "libtwo.so")
    one = library(build, "libone.so", str(tmp_path / "libtwo.so"), rpath)
    library(build, "libtwo.so", str(one), rpath)
    found = closure.resolve(elf.read(program(build, "it", str(one), rpath)))
    assert own(found, tmp_path) == ["it", "libone.so", "libtwo.so"]


def test_a_library_under_two_names_is_loaded_once(build: Build, tmp_path: Path) -> None:
    one = library(build, "lib/libone.so", soname="libone.so.1")
    two = library(build, "lib/libtwo.so", soname="libtwo.so")
    path = program(build, "it", str(one), str(two), f"-Wl,-rpath,{tmp_path}/lib")
    two.unlink()
    two.symlink_to("libone.so")
    (tmp_path / "lib/libone.so.1").symlink_to("libone.so")
    assert own(closure.resolve(elf.read(path)), tmp_path) == ["it", "lib/libone.so.1"]


def test_damaged_and_foreign_libraries_are_passed_over(build: Build, tmp_path: Path) -> None:
    one = library(build, "good/libone.so")
    rpath = ":".join(str(tmp_path / name) for name in ("damaged", "foreign", "good"))
    path = program(build, "it", str(one), f"-Wl,-rpath,{rpath}")
    foreign = bytearray(one.read_bytes())
    foreign[18] ^= 0xFF  # e_machine
    for name, data in (("damaged", one.read_bytes()[:200]), ("foreign", bytes(foreign))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "libone.so").write_bytes(data)
    assert "good/libone.so" in own(closure.resolve(elf.read(path)), tmp_path)


def test_a_chain_without_end_is_cut(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closure, "MAX_DEPTH", 2)
    rpath = f"-Wl,-rpath,{tmp_path}"
    last = library(build, "libfour.so")
    for name in ("libthree.so", "libtwo.so", "libone.so"):
        last = library(build, name, str(last), rpath)
    found = closure.resolve(elf.read(program(build, "it", str(last), rpath)))
    assert found.missing == ("libthree.so",)


def test_configuration(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/b.conf").write_text("/b # there\n")
    (tmp_path / "d/a.conf").write_text(f"/a\ninclude {tmp_path}/it\n")  # includes itself
    (tmp_path / "it").write_text("include d/*.conf\nhwcap 0 nosegneg\n\n/c=libc6\n")
    folders = list(dict.fromkeys(configured_folders(tmp_path / "it")))
    assert folders == ["/a", "/b", "/c"] or folders == ["/a", "/c", "/b"]
    assert list(configured_folders(tmp_path / "none")) == []


def test_this_machine_has_a_libc() -> None:
    assert of_this_machine().known.get("libc.so.6") or of_this_machine().configured
