"""System calls in machine code."""

import itertools
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from scaffold_port.binary import elf, syscalls, x86

from .conftest import Build

X86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64's own instructions")


def of_x86_64(code: bytes) -> list[int | None]:
    return list(syscalls.find("EM_X86_64", [code]).numbers.elements())


def test_numbers_of_x86_64() -> None:
    assert of_x86_64(bytes.fromhex("b829000000 0f05 c3")) == [41]
    assert of_x86_64(bytes.fromhex("48c7c02a000000 89fe 0f05 c3")) == [42]
    assert of_x86_64(bytes.fromhex("31c0 0f05 c3")) == [0]
    assert of_x86_64(bytes.fromhex("b829000000 4889f8 0f05 c3")) == [None]
    assert of_x86_64(bytes.fromhex("b829000000 e800000000 0f05 c3")) == [None]


def test_the_same_bytes_inside_an_instruction() -> None:
    assert of_x86_64(bytes.fromhex("90" * 80 + "488d050f050000" + "c3")) == []  # lea 0x50f(%rip)
    assert of_x86_64(bytes.fromhex("90" * 80 + "bf0f050000" + "c3")) == []  # mov $0x50f, %edi


def test_numbers_of_aarch64() -> None:
    svc = "010000d4"
    connect, sent_on = "681980d2", "e80301aa"  # mov x8, #203; mov x8, x1
    found = syscalls.find("EM_AARCH64", [bytes.fromhex(connect + svc + sent_on + svc)])
    assert (found.count, found.sockets, found.unknown) == (2, 1, 1)
    assert syscalls.find("EM_AARCH64", [bytes.fromhex("0000" + svc + "0000")]).count == 0


def test_other_machines_are_not_searched() -> None:
    assert syscalls.find("EM_RISCV", [b"\x0f\x05"]).count == 0


@X86_64
@pytest.mark.parametrize("name", ["bash", "wget", "busybox", "git", "perl"])
def test_the_disassembler_agrees(name: str) -> None:
    path = shutil.which(name)
    if path is None or shutil.which("objdump") is None:
        pytest.skip(f"{name} or objdump is not installed")
    lines = subprocess.run(["objdump", "-d", path], text=True, capture_output=True, check=True)
    expected = len(re.findall(r"\tsyscall", lines.stdout))
    assert elf.read(Path(path)).direct.count == expected


@X86_64
def test_lengths_of_instructions() -> None:
    """Of a program with vectors and all, as the disassembler has them."""
    path = shutil.which("openssl") or shutil.which("bash")
    if path is None or shutil.which("objdump") is None:
        pytest.skip("openssl or objdump is not installed")
    command = ["objdump", "-d", "-j", ".text", "--no-show-raw-insn", path]
    lines = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    starts = [
        int(at, 16) for at in re.findall(r"^ *([0-9a-f]+):\t(?!\(bad\))", lines, re.MULTILINE)
    ]
    with Path(path).open("rb") as file:
        section = ELFFile(file).get_section_by_name(".text")
        assert section is not None
        code, base = section.data(), section["sh_addr"]
    pairs = list(itertools.pairwise(starts))
    wrong = [a for a, b in pairs if a + x86.length(code, a - base) != b]
    assert len(wrong) <= len(pairs) // 1000, [hex(at) for at in wrong[:9]]


@X86_64
def test_a_program_without_libc(build: Build) -> None:
    source = """
    static long call(long n, long a, long b, long c) {
        long r;
        __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11");
        return r;
    }
    void _start(void) { call(41, 2, 1, 0); call(60, 0, 0, 0); }
    """
    found = elf.read(build("it", source, "-O2", "-static", "-nostdlib")).direct
    assert dict(found.numbers) == {41: 1, 60: 1}
    assert (found.sockets, found.unknown) == (1, 0)
