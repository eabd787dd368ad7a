"""What scaffold.elf reads, beside pyelftools; and that damage is no new kind of failure."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_E_MACHINE
from hypothesis import example, given
from hypothesis import strategies as st

from scaffold import paths
from scaffold.elf import Elf, NotElf

INSTALLED = [sys.executable, shutil.which("sh"), shutil.which("ip"), paths.part(paths.SHIM)]


def needed(elf: ELFFile) -> list[str]:
    """By pyelftools."""
    segments = [one for one in elf.iter_segments() if isinstance(one, DynamicSegment)]
    return [tag.needed for one in segments for tag in one.iter_tags("DT_NEEDED")]


def loader(elf: ELFFile) -> str:
    return next((one.get_interp_name() for one in elf.iter_segments("PT_INTERP")), "")


def owners(elf: ELFFile) -> set[bytes]:
    notes = [note for one in elf.iter_segments("PT_NOTE") for note in one.iter_notes()]
    return {note["n_name"].encode() for note in notes}


def same(path: Path) -> None:
    with path.open("rb") as file:
        theirs, ours = ELFFile(file), Elf(file)
        assert ours.bits == theirs.elfclass
        assert ours.machine == ENUM_E_MACHINE[theirs["e_machine"]]
        assert len(ours.segments) == theirs.num_segments()
        assert ours.loader() == loader(theirs)
        assert ours.needed() == needed(theirs)
        assert ours.note_owners() == owners(theirs)


@pytest.mark.parametrize("path", [Path(path) for path in INSTALLED if path], ids=lambda p: p.name)
def test_programs_of_this_machine(path: Path) -> None:
    same(path)


@pytest.mark.parametrize(
    "flags",
    [["-static-pie", "-fPIE"], ["-static"], ["-shared", "-fPIC"], ["-m32", "-nostdlib", "-shared"],
     ["-nostdlib", "-static"]],
)  # fmt: skip
def test_every_kind(tmp_path: Path, flags: list[str]) -> None:
    program = tmp_path / "it"
    command = ["gcc", "-x", "c", "-", "-o", str(program), *flags]
    start = (
        "void _start(void) { for (;;); }" if "-nostdlib" in flags else "int main() { return 0; }"
    )
    subprocess.run(command, input=start, text=True, check=True, capture_output=True)
    same(program)


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"#!/bin/sh\n", bytes(64), b"\x7fELF\3\1" * 20]
)
def test_no_elf(content: bytes) -> None:
    with pytest.raises(NotElf):
        Elf(io.BytesIO(content))


SOUND = Path(paths.part(paths.SHIM)).read_bytes()


@given(
    st.dictionaries(st.integers(4, 1200), st.integers(0, 255), max_size=8),
    st.one_of(st.none(), st.integers(0, 5000)),
)
@example({79: 128}, None)  # offsets that no seek takes, of segments and of names
@example({0x50 + 15: 127}, None)
def test_damage(changes: dict[int, int], length: int | None) -> None:
    raw = bytearray(SOUND[:length])
    for at, value in changes.items():
        raw[at : at + 1] = bytes([value])
    try:
        elf = Elf(io.BytesIO(bytes(raw)))
        elf.needed()
        elf.note_owners()
        elf.loader()
    except NotElf:
        pass
