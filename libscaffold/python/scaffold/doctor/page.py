"""docs/reference/differences.md, written from the tables: `python -m scaffold.doctor.page FILE`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from . import checks as _checks  # noqa: F401  (they register themselves)
from .foreign import FOREIGN
from .refusals import BESIDES, REFUSALS, Refusal
from .rows import ROWS
from .table import CHECKS

_HEAD = """\
# Differences from the kernel's sockets

`scaffold doctor` asks {checks} questions, each of one kind of socket, natively and under the shim
with `--all-local` on the same kernel. An answer is *same*, or *refused*: it differs, and stands in
the first table with the reason. Anything else is *different*, exit code 1, and a bug. `scaffold
doctor --json connect` asks about one subject only.

This page is written from the tables that the command uses (`python -m scaffold.doctor.page`), and a
test holds it to them.

## What differs, and why

A name stands for every kind of socket that the question is asked of: `tcp4`, `tcp6`, `tcpmapped`
(IPv4 addresses on an IPv6 socket), and `udp` likewise.

| checks | what a program sees, and why |
|---|---|
"""
_TRAP = """
## Under `--trap` besides

`scaffold doctor --trap` asks the same questions of programs under `scaffold run --trap`. What
differs there stands above, or here.

| checks | what a program sees, and why |
|---|---|
"""
_LOCAL = """
## On the local plane besides

Flows between programs of one host go from socket to socket, those of `--all-local` only with
`plane = "local"` for scaffoldd. `scaffold doctor --plane local` asks the same questions of such
flows, with a scaffoldd of its own. What differs there stands above, or here.

| checks | what a program sees, and why |
|---|---|
"""
_LOCAL_TRAP = """
And on the local plane under `--trap`, `scaffold doctor --plane local --trap`:

| checks | what a program sees, and why |
|---|---|
"""
_FOREIGN = """
## Other projects' test suites

`make verify` runs libuv's suite under the shim and the tests of Go's package net under `--trap`,
with every loopback socket on a service, and compares each test with its native run. These differ:

| suite | tests | what they see, and why |
|---|---|---|
"""
_BESIDES = """
## Beside the checks

What a check of two sockets cannot show, with the way out.

| what | why, and what to do |
|---|---|
"""
_ROWS = """
## What is compared

One row for each difference between AF_UNIX, which the model is built on, and TCP or UDP.

| row | checks |
|---|---|
"""


def text() -> str:
    """The whole page."""
    head = _HEAD.format(checks=len(CHECKS))
    both, local, trap, local_trap = (
        "".join(_refusals(only)) for only in ((), ("local",), ("trap",), ("local", "trap"))
    )
    besides = "".join(f"| {what} | {why} |\n" for what, why in BESIDES)
    refused = (both, _LOCAL, local, _TRAP, trap, _LOCAL_TRAP, local_trap, _BESIDES, besides)
    tables = (*refused, _FOREIGN, *_foreign(), _ROWS, *_rows())
    return "".join((head, *tables))


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0]


def _refused(refusal: Refusal) -> str:
    names = [f"`{name.removesuffix('.*')}`" for name in refusal.ids]
    return ", ".join(names)


def _refusals(only: tuple[str, ...]) -> Iterator[str]:
    for refusal in (one for one in REFUSALS if one.only == only):
        often = " Sometimes." if refusal.sometimes else ""
        yield f"| {_refused(refusal)} | {refusal.why}{often} |\n"


def _foreign() -> Iterator[str]:
    for one in FOREIGN:
        often = " Sometimes." if one.sometimes else ""
        names = ", ".join(f"`{name}`" for name in one.tests)
        yield f"| {one.suite} | {names} | {one.why}{often} |\n"
    if not FOREIGN:
        yield "| both | none | None differs. |\n"


def _rows() -> Iterator[str]:
    for key, row in ROWS.items():
        names = dict.fromkeys(_stem(name) for name, one in CHECKS.items() if key in one.rows)
        found = " ".join(f"`{name}`" for name in names)
        if key == "free" or key == "options":
            found = _subjects(list(names))
        yield f"| **{key}** {row.text} | {found or row.elsewhere} |\n"


def _subjects(names: list[str]) -> str:
    """Long rows in short: how many of each subject."""
    subjects = dict.fromkeys(name.split(".")[0] for name in names)
    return ", ".join(
        f"{sum(name.startswith(subject + '.') for name in names)} of `{subject}`"
        for subject in subjects
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text())
