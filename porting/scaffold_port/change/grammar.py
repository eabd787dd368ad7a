"""Grammars of yacc and lex at the native level: as C, with the include among the C that they copy
to the top of the parser or the scanner."""

import re
from collections.abc import Iterable
from dataclasses import replace

from ..findings import Finding
from ..source import Source
from . import c
from .edits import Edit

_PROLOGUE = re.compile(rb"^%\{[^\n]*\n", re.MULTILINE)
_BRACES = re.compile(rb"%[{}]")


def edits(source: Source, findings: Iterable[Finding]) -> set[Edit]:
    """libscaffold's names, and its header within `%{` and `%}`."""
    prologue = _prologue(source.data)
    seen = replace(source, data=_as_c(source.data, prologue or 0))
    return {_moved(one, prologue) for one in c.edits(seen, findings)}


def _prologue(data: bytes) -> int | None:
    """Where the first C begins that is copied as it is; None: there is no such part."""
    head, _, _ = data.partition(b"\n%%")
    found = _PROLOGUE.search(head)
    return found.end() if found else None


def _as_c(data: bytes, prologue: int) -> bytes:
    """Blanks for what stands before, and for the braces that are not C's."""
    head = bytes(byte if byte in b"\r\n" else ord(" ") for byte in data[:prologue])
    return head + _BRACES.sub(b"  ", data[prologue:])


def _moved(edit: Edit, prologue: int | None) -> Edit:
    """An insertion belongs into the prologue, or makes one."""
    if edit.start != edit.end:
        return edit
    if prologue is None:
        return Edit(0, 0, b"%{\n" + edit.text + b"%}\n")
    at = max(edit.start, prologue)
    return Edit(at, at, edit.text)
