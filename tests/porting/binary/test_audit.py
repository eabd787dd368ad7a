"""Verdicts and their reasons."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold_port.binary.audit import NONE, PORT, SHIM, TRAP, UNKNOWN, Binary, audit

from .conftest import Build

SOCKET = "int socket(); int main(void) { return socket(2, 1, 0); }"
EMPTY = "int main(void) { return 0; }"
# the number is the machine's own for connect, then for futex
DIRECT = """
static long call(long n) {{
    long r;
#ifdef __x86_64__
    __asm__ volatile("syscall" : "=a"(r) : "a"(n) : "rcx", "r11");
#else
    register long x8 __asm__("x8") = n, x0 __asm__("x0") = 0;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8));
    r = x0;
#endif
    return r;
}}
{declared}
int main(int argc, char **argv) {{ return call({number}) + {called}; }}
"""
CONNECT, FUTEX = {"aarch64": (203, 98)}.get(platform.machine(), (42, 202))


def direct(number: int | str, libc: bool = False) -> str:
    declared, called = ("int socket();", "socket(2, 1, 0)") if libc else ("", "0")
    return DIRECT.format(number=number, declared=declared, called=called)


def verdict(found: Binary) -> str:
    assert found.reason.endswith(".")
    assert "\n" not in found.reason
    return found.verdict


def test_dynamic(build: Build) -> None:
    found = audit(build("it", SOCKET))
    assert verdict(found) == SHIM
    assert found.reason == "It is dynamic and uses libc; it imports socket calls."
    assert [one.imports for one in found.objects] == [("socket",)]
    assert found.warnings == ()


def test_no_sockets(build: Build) -> None:
    found = audit(build("it", EMPTY))
    assert (verdict(found), found.warnings) == (NONE, ())


@pytest.mark.parametrize("flags", [["-static"], ["-static-pie", "-fPIE"]])
def test_static(build: Build, flags: list[str]) -> None:
    found = audit(build("it", SOCKET, *flags))
    assert verdict(found) == TRAP
    assert found.reason == "It is static: no preload library is loaded."


def test_static_without_sockets(build: Build) -> None:
    source = "void _start(void) { for (;;); }"
    assert verdict(audit(build("it", source, "-static", "-nostdlib"))) == NONE


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_more_rights(build: Build, mode: int) -> None:
    path = build("it", SOCKET)
    path.chmod(mode)
    found = audit(path)
    assert verdict(found) == TRAP
    assert "LD_PRELOAD" in found.reason
    assert "without those rights" in found.reason


@pytest.mark.parametrize("installed", [False, True])
def test_a_loader_that_is_not_glibcs(build: Build, tmp_path: Path, installed: bool) -> None:
    """musl's, which a machine may have or not."""
    loader = tmp_path / "ld-musl-x86_64.so.1"
    if installed:
        loader.touch()
    found = audit(build("it", SOCKET, f"-Wl,--dynamic-linker={loader}"))
    assert verdict(found) == TRAP
    assert f"Its loader is {loader}, for which" in found.reason
    assert any("cannot be started" in text for text in found.warnings) == (not installed)


def test_direct_socket_calls(build: Build) -> None:
    found = audit(build("it", direct(CONNECT), "-O2"))
    assert verdict(found) == TRAP
    assert "1 socket call without libc" in found.reason
    assert any("1 direct system call" in text for text in found.warnings)


def test_direct_calls_by_an_unknown_number(build: Build) -> None:
    found = audit(build("it", direct("argc"), "-O2"))
    assert verdict(found) == TRAP
    assert "may be socket calls" in found.reason


def test_direct_calls_of_another_kind(build: Build) -> None:
    assert verdict(audit(build("it", direct(FUTEX), "-O2"))) == NONE


def test_direct_calls_beside_libcs(build: Build) -> None:
    found = audit(build("it", direct("argc", libc=True), "-O2"))
    assert verdict(found) == SHIM
    assert any("1 direct system call" in text for text in found.warnings)


def test_direct_socket_calls_of_a_library(build: Build, tmp_path: Path) -> None:
    source = direct(CONNECT).replace("int main", "int opened")
    made = build("libone.so", source, "-O2", "-shared", "-fPIC")
    flags = ("-Wl,--no-as-needed", str(made), f"-Wl,-rpath,{tmp_path}")
    found = audit(build("it", EMPTY, *flags))
    assert verdict(found) == TRAP
    assert found.reason.startswith("libone.so makes 1 socket call")


def test_32_bits(build: Build) -> None:
    found = audit(
        build("it", "int main() { return socket(); }", "-m32", *["-shared", "-fPIC", "-nostdlib"])
    )
    assert verdict(found) == PORT
    assert "i386 (32 bits)" in found.reason


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("io_uring_queue_init", "io_uring"),
        ("sctp_bindx", "SCTP"),
        ("pcap_open_live", "packet capture"),
        ("__res_nsearch", "name servers"),
        ("dlopen", "dlopen"),
    ],
)
def test_remarks(importing: Build, symbol: str, words: str) -> None:
    found = audit(importing("it", "socket", symbol))
    assert verdict(found) == SHIM
    (warning,) = found.warnings
    assert words in warning
    assert symbol in warning


@pytest.mark.parametrize("symbol", ["res_init", "resolve", "ares_free_string"])
def test_no_remark_without_need(importing: Build, symbol: str) -> None:
    assert audit(importing("it", "socket", symbol)).warnings == ()


@pytest.mark.parametrize(
    ("calls", "unseen"),
    [
        ("syscall(0)", "syscall: calls by number were"),
        ("!!dlopen(0, 1)", "dlopen: calls of what it loads were"),
        ("syscall(0) + !!dlopen(0, 1)", "calls of what it loads and calls by number were"),
    ],
)
def test_what_reading_does_not_show(build: Build, calls: str, unseen: str) -> None:
    """Not that there are no sockets."""
    source = f"long syscall(); void *dlopen(); int main(void) {{ return {calls}; }}"
    found = audit(build("it", source))
    assert (verdict(found), found.warnings) == (UNKNOWN, ())
    assert unseen in found.reason


def test_a_library_that_loads_more(build: Build) -> None:
    """Which most do: a warning."""
    library = build(
        "libmore.so", "void *dlopen(); int f(void) { return !!dlopen(0, 1); }", "-shared"
    )
    found = audit(build("it", "int f(); int main(void) { return f(); }", str(library)))
    assert verdict(found) == NONE
    assert [one for one in found.warnings if "libmore.so imports dlopen" in one]


def test_missing_libraries_are_named(build: Build) -> None:
    made = build("libgone.so", "int gone;", "-shared", "-Wl,-soname,libgone.so.7")
    found = audit(build("it", SOCKET, "-Wl,--no-as-needed", str(made)))
    assert found.missing == ("libgone.so.7",)
    assert verdict(found) == SHIM
    assert "libgone.so.7 was not found" in found.warnings[0]


@pytest.mark.parametrize("package", ["fmt", "net"])
def test_go(tmp_path: Path, package: str) -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    call = {"fmt": 'fmt.Println("x")', "net": 'net.Dial("tcp", "x:1")'}[package]
    source = tmp_path / "main.go"
    source.write_text(f'package main\nimport "{package}"\nfunc main() {{ {call} }}\n')
    settings = {"CGO_ENABLED": "0", "GO111MODULE": "off", "GOCACHE": str(tmp_path / "cache")}
    command = ["go", "build", "-ldflags=-s -w", "-o", str(tmp_path / "it"), str(source)]
    subprocess.run(command, env={**os.environ, **settings}, check=True, cwd=tmp_path)
    found = audit(tmp_path / "it")
    assert verdict(found) == TRAP
    assert "Go" in found.reason
