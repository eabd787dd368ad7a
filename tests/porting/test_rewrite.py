"""Source is changed where it must be, and nowhere else."""

import ctypes
import itertools
import os
import re
import select
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scaffold_port.analyze import analyze
from scaffold_port.c.signature import TAKES
from scaffold_port.change import write
from scaffold_port.change.edits import Edit, apply
from scaffold_port.cli import main
from scaffold_port.rules import RULES

FIXTURES = Path(__file__).with_name("fixtures")
_NO_FUNCTIONS = {"EINPROGRESS"}
IN_MOVED_TO = 0x80


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*words: str | Path) -> Any:
    done = CliRunner().invoke(main, ["rewrite", *map(str, words)], catch_exceptions=False)
    assert done.exit_code in (0, 1, 4)  # something may be left, or not analysed
    return done


def rewritten(tmp_path: Path, text: bytes, name: str = "a.c") -> bytes:
    file = tmp_path / name
    file.write_bytes(text)
    run(file, "--in-place")
    return file.read_bytes()


def test_nothing_to_do_is_the_same_file(tmp_path: Path) -> None:
    text = b"int  read_all ( int fd )\r\n{\t/* connect */ return p->bind (fd) ; }\n\xff"
    file = tmp_path / "a.c"
    file.write_bytes(text)
    before = file.stat()
    run(file, "--in-place")
    assert file.read_bytes() == text
    assert file.stat().st_ino == before.st_ino


_OLD = b"TYPE\naccept(s, a,\n       n)\n   TYPE_1 s;\n   struct sockaddr *a; TYPE_2 n;\n{\n}\n"


@pytest.mark.parametrize("before", [b"", b"void f()\n{\n" + b"if (x) {\n" * 300, b"(" * 1100])
def test_an_old_definition_is_no_call(before: bytes, tmp_path: Path) -> None:
    """Nor where the parser does not go."""
    assert rewritten(tmp_path, before + _OLD) == before + _OLD


@pytest.mark.parametrize(
    ("before", "renamed"),
    [
        (b"#ifndef SYS_accept4\n#define accept4(s, a, l, f) -1\n#endif\n", True),
        (b"#ifndef HAVE_IT\n#define accept4 own_accept4\n#endif\n", True),
        (b"#define accept4 own_accept4\n", False),
        (b"#ifdef X\n#define accept4 one\n#else\n#define accept4 other\n#endif\n", False),
    ],
)
def test_macros_under_conditions(before: bytes, renamed: bool, tmp_path: Path) -> None:
    """Where the condition does not hold the call is libc's."""
    text = before + b"int f(int s)\n{\n  return accept4(s, 0, 0, 0);\n}\n"
    assert (b"scaffold_accept4(s" in rewritten(tmp_path, text)) == renamed


def test_calls_get_their_names_and_the_rest_stays(tmp_path: Path) -> None:
    text = (
        b"#include <errno.h>\n#include <sys/socket.h>\n\n"
        b"int f (int s)\n{\n  /* connect */\n  if (connect (s, 0,\n               0) < 0)\n"
        b"    return   bind(s,0 , 0);\n  return 0;\n}\n"
    )
    expected = text.replace(b"(connect (s", b"(scaffold_connect (s")
    expected = expected.replace(b"bind(s", b"scaffold_bind(s")
    expected = expected.replace(b"socket.h>\n", b"socket.h>\n#include <scaffold/scaffold.h>\n")
    assert rewritten(tmp_path, text) == expected
    assert rewritten(tmp_path, expected) == expected


def test_line_ends_and_missing_ones_are_kept(tmp_path: Path) -> None:
    text = b"#include <sys/socket.h>\r\nint f(int s) { return listen(s, 5); }"
    assert rewritten(tmp_path, text) == (
        b"#include <sys/socket.h>\r\n#include <scaffold/scaffold.h>\r\n"
        b"int f(int s) { return scaffold_listen(s, 5); }"
    )


def test_the_header_goes_where_no_condition_is(tmp_path: Path) -> None:
    text = (
        b"#ifndef A_H\n#define A_H\n#include <errno.h>\n"
        b"#ifdef HAVE_SOCKET\n#include <sys/socket.h>\n#endif\n"
        b"#define LISTEN(s) listen(s, 5)\n#endif\n"
    )
    new = rewritten(tmp_path, text, "a.h")
    assert b"#include <errno.h>\n#include <scaffold/scaffold.h>\n#ifdef" in new
    assert b"#define LISTEN(s) scaffold_listen(s, 5)\n" in new


def test_the_header_does_not_follow_data_that_is_included(tmp_path: Path) -> None:
    text = (
        b'#include <errno.h>\n/* { */ static const int table[] = {\n#include "table.h"\n};\n'
        b'int f(int s) { return listen(s, 5); }\nstatic int more[] = {\n#include "more.h"\n};\n'
    )
    new = rewritten(tmp_path, text)
    assert new.startswith(b"#include <errno.h>\n#include <scaffold/scaffold.h>\n/* { */")
    assert new.count(b"scaffold.h>") == 1


def test_a_condition_in_the_middle_is_no_guard(tmp_path: Path) -> None:
    text = (
        b"/* one */\n#include <errno.h>\n#ifdef BSD\n#include <sys/sysctl.h>\n#endif\n"
        b"/* two */\n#ifndef MAX\n#define MAX 1\n#endif\nint f(int s) { return listen(s, MAX); }\n"
    )
    assert b"errno.h>\n#include <scaffold/scaffold.h>\n#ifdef" in rewritten(tmp_path, text)


def test_the_diff_is_a_patch(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for path in FIXTURES.glob("*.c"):
        (tree / path.name).write_bytes(path.read_bytes())
    for name in ("end.c", "a b.c", "a\nb.c", "a\tb.c", 'a"b.c', "a\\b.c", "\udcff.c"):
        (tree / name).write_bytes(b"int f(int s) { return listen(s, 5); }")
    patch = run(tree, "--diff").stdout_bytes
    done = subprocess.run(["patch", "-p1", "-s"], cwd=tree, input=patch, capture_output=True)
    assert done.returncode == 0, done.stdout
    assert run(tree, "--diff").stdout_bytes == b""
    assert b"scaffold_accept4(fd, 0, 0, 0)" in (tree / "call.c").read_bytes()


def test_one_form_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_bytes(b"int f(int s) { return listen(s, 5); }\n")
    forms = [["--diff"], ["--in-place"], ["-o", str(tmp_path / "series")]]
    for one, other in itertools.combinations(forms, 2):
        done = CliRunner().invoke(main, ["rewrite", str(tmp_path), *one, *other])
        assert done.exit_code == 2
        assert f"{one[0]} and {other[0]}: one of them" in done.stderr
    assert (tmp_path / "a.c").read_bytes() == b"int f(int s) { return listen(s, 5); }\n"


def test_what_is_left_is_listed() -> None:
    """And that of which nobody has to do anything is counted."""
    done = run(FIXTURES / "family.c")
    assert "family.c:" in done.stderr
    assert (
        "left to you: `rresvport` is of libc alone: must it reach or be a service?" in done.stderr
    )
    done = run(FIXTURES / "loops.c")
    assert done.stderr == "context, shown by scaffold-port analyze --only context: 5\n"
    assert "+    scaffold_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY" in done.stdout


def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.c"
    file.write_bytes(b"old")
    file.chmod(0o754)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("fsync", "fdopen"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, stop)
            with pytest.raises(KeyboardInterrupt):
                write.replace(file, b"new")
        assert file.read_bytes() == b"old"
        assert [path.name for path in tmp_path.glob(".a.c*")] == []
    write.replace(file, b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o7777) == (b"new", 0o754)


def test_edits_do_not_overlap() -> None:
    assert apply(b"abcdef", [Edit(4, 5, b"X"), Edit(0, 1, b"")]) == b"bcdXf"
    with pytest.raises(ValueError, match="two edits"):
        apply(b"abcdef", [Edit(0, 3, b""), Edit(2, 4, b"")])


def test_every_new_name_is_declared(tmp_path: Path) -> None:
    header = (Path(__file__).parents[2] / "libscaffold/include/scaffold/scaffold.h").read_text()
    names = {name for rule in RULES for name in rule.names | rule.common}
    functions = names - _NO_FUNCTIONS
    given = {name: ", ".join(["port"] * len(TAKES.get(name, "i"))) for name in functions}
    calls = "".join(f"  {name} ({given[name]});\n" for name in sorted(functions))
    lengths = "  char a[INET_ADDRSTRLEN];\n  int type = SOCK_DGRAM;\n"
    (tmp_path / "a.c").write_text(f"void f (void)\n{{\n{calls}{lengths}}}\n")
    fixes = {one.fix for one in analyze([tmp_path]).findings} - {""}
    assert {
        "scaffold_connect",
        "scaffold_inet_ntop",
        "scaffold_read",
        "SCAFFOLD_ADDRSTRLEN",
    } <= fixes
    assert [name for name in sorted(fixes) if not re.search(rf"\b{name}\b", header)] == []


class Moves:
    """Files that are moved into a folder from now on, as inotify(7) tells them."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._fd, os.fsencode(folder), IN_MOVED_TO) >= 0

    def wait(self, count: int, process: "subprocess.Popen[bytes]") -> None:
        """Return once there were so many, or the process has ended."""
        seen, end = 0, os.pidfd_open(process.pid)
        while seen < count and self._fd in select.select([self._fd, end], [], [])[0]:
            seen += self._read()
        os.close(end)
        os.close(self._fd)

    def _read(self) -> int:
        raw, at, events = os.read(self._fd, 1 << 16), 0, 0
        while at < len(raw):
            at += 16 + struct.unpack_from("I", raw, at + 12)[0]  # the name's length comes last
            events += 1
        return events


@pytest.mark.parametrize("done_before", [1, 20, 60])
def test_killed_at_any_point_each_file_is_old_or_new(tmp_path: Path, done_before: int) -> None:
    old = b"#include <errno.h>\n" + b"int f(int s) { return listen(s, 5); }\n" * 100
    tree = tmp_path / "tree"
    tree.mkdir()
    files = [tree / f"{number:03}.c" for number in range(120)]
    for file in files:
        file.write_bytes(old)
    moves = Moves(tree)
    call = "from scaffold_port.cli import main; main()"
    words = [sys.executable, "-c", call, "rewrite", str(tree), "--in-place"]
    process = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    moves.wait(done_before, process)
    process.kill()
    process.wait()
    new = old.replace(b"listen", b"scaffold_listen")
    new = new.replace(b"errno.h>\n", b"errno.h>\n#include <scaffold/scaffold.h>\n")
    contents = [file.read_bytes() for file in files]
    assert {*contents} <= {old, new}
    assert contents.count(new) >= done_before
    run(tree, "--in-place")
    assert {file.read_bytes() for file in files} == {new}


@pytest.mark.parametrize(
    "head",
    [
        b"#include <sys/socket.h>\n/*\n#include <old.h>\n*/\n",
        b"#include <sys/socket.h> /* sockets,\n   and more */\n",
        b"#include <sys/socket.h>\n/* #include <scaffold/scaffold.h> */\n",
        b"#include <sys/socket.h>\n#if 0\n#include <scaffold/scaffold.h>\n#endif\n",
        b"/* first */ #include <sys/socket.h>\n",
    ],
)
def test_the_header_and_comments(head: bytes, tmp_path: Path) -> None:
    """It is really there: the compiler knows the new name."""
    new = rewritten(tmp_path, head + b"int f(int s) { return listen(s, 1); }\n")
    include = Path(__file__).parents[2] / "libscaffold/include"
    words = ["cc", "-fsyntax-only", "-Werror", f"-I{include}", "-x", "c", "-"]
    subprocess.run(words, input=new, check=True)
    assert rewritten(tmp_path, new) == new


_CALL = b"int f(int s) { return listen(s, 1); }\n"
_RENAMED = _CALL.replace(b"listen", b"scaffold_listen")
_OURS = b"#include <scaffold/scaffold.h>\n"
_GNU = b"#define _GNU_SOURCE\n"
_LINUX = b"#ifdef __linux__\n#include <sys/socket.h>\n#endif\n"


@pytest.mark.parametrize(
    ("before", "behind", "end"),
    [
        (_GNU, _LINUX, b""),
        (b"/* text */\n\n" + _GNU, _LINUX, b""),
        (b"#ifndef _GNU_SOURCE\n" + _GNU + b"#endif\n", _LINUX, b""),
        (b"#include <errno.h>\n#define _FILE_OFFSET_BITS \\\n  64\n", _LINUX, b""),
        (b"#ifdef X\n" + _GNU + b"#else\n#define _ALL_SOURCE\n#endif\n", b"int x;\n", b""),
        (b"#pragma once\n", b"\n", b""),
        (b"/* once\n#pragma once */\n# pragma once // here\n", _LINUX, b""),
        (b"#ifndef A_H\n#define A_H\n", _LINUX, b"#endif\n"),
        (b"#if !defined(A_H)\n#define A_H 1\n", _LINUX, b"#endif // A_H\n"),
        (b"#pragma once\n#ifndef A_H\n#define A_H\n", b"\n", b"#endif"),
        (b"", b"/* text */\n#define SIZE 4\n", b""),
        (b'#ifdef HAVE_CONFIG_H\n#include "../config.h"\n#endif\n', b"#ifdef X\n", b"#endif\n"),
        (b"#if X\n# include <my_config.h>\n#else\n#define Y\n#endif\n", _LINUX, b""),
    ],
)
def test_the_header_follows_what_precedes_headers(
    before: bytes, behind: bytes, end: bytes, tmp_path: Path
) -> None:
    new = rewritten(tmp_path, before + behind + _CALL + end, "a.h")
    assert new == before + _OURS + behind + _RENAMED + end
    assert rewritten(tmp_path, new, "a.h") == new


def test_macros_need_no_header_where_they_are_made(tmp_path: Path) -> None:
    macro = b"#define LISTEN(s) \\\n  listen(s, 5)\n"
    head = macro + _GNU + b"\n#include <errno.h>\n"
    new = rewritten(tmp_path, head + b"int f(int s) { return LISTEN(s); }\n#include <a.h>\n")
    renamed = head.replace(b"listen", b"scaffold_listen") + _OURS
    assert new == renamed + b"int f(int s) { return LISTEN(s); }\n#include <a.h>\n"


@pytest.mark.parametrize("line", [b"/" * 80, b"// text", b"/* text */", b"/**/ " * 30, b"  "])
@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_banners(line: bytes, count: int, end: bytes, tmp_path: Path) -> None:
    head = (line + end) * count + b"#include <sys/socket.h>" + end
    ours = _OURS.replace(b"\n", end)
    assert rewritten(tmp_path, head + _CALL) == head + ours + _RENAMED


def test_conditions_over_lines_and_in_comments(tmp_path: Path) -> None:
    call = b"int f(int s) { return listen(s, 1); }\n"
    other = b"#if defined(_WIN32) || \\\n    defined(__APPLE__)\n" + call + b"#endif\n"
    assert rewritten(tmp_path, other) == other
    ours = b"/* So:\n#ifdef _WIN32\n*/\n#include <sys/socket.h>\n" + call
    assert b"scaffold_listen" in rewritten(tmp_path, ours)


_CONFIG = b"#ifdef HAVE_CONFIG_H\n#include <config.h>\n#endif\n"
_SYSTEM = b"#include <sys/socket.h>\n"


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (_CONFIG + b"#ifdef A\n" + _SYSTEM, _CALL + b"#endif\n"),
        (_CONFIG + b"#ifdef A\n" + _SYSTEM, b"#ifdef B\n" + _CALL + b"#endif\n#endif\n"),
        (_CONFIG, _CALL),
        (_GNU + _CONFIG, _CALL),
        (_SYSTEM + _CONFIG, _CALL),
        (_CONFIG, b"#ifdef A\n" + _CALL + b"#endif\n"),
        (
            _CONFIG + b"#ifdef A\n" + _SYSTEM + b"#endif\n#if B\n#include <b.h>\n",
            _CALL + b"#endif\n",
        ),
        (_CONFIG + _SYSTEM, b"#ifdef A\n#include <a.h>\n" + _CALL + b"#endif\n"),
        (b"#ifdef A\n#include <a.h>\n#else\n#include <b.h>\n", _CALL + b"#endif\n"),
        (b"#ifdef A\n#include <a.h>\n#elif B\n#endif\n", _CALL),
        (b"#endif\n#ifdef A\n" + _SYSTEM, _CALL + b"#endif\n"),
    ],
)
def test_the_header_and_the_conditions_of_the_call(
    before: bytes, behind: bytes, tmp_path: Path
) -> None:
    """It comes after what configures the program's headers, and wherever the call is compiled."""
    new = rewritten(tmp_path, before + behind)
    assert new == before + _OURS + behind.replace(_CALL, _RENAMED)
    assert rewritten(tmp_path, new) == new


def test_each_branch_with_calls_has_the_header(tmp_path: Path) -> None:
    branches = b"#ifdef A\n#include <a.h>\n%s%s#else\n#include <b.h>\n%s%s#endif\n"
    new = rewritten(tmp_path, branches % (b"", _CALL, b"", _CALL))
    assert new == branches % (_OURS, _RENAMED, _OURS, _RENAMED)


def test_a_macro_has_the_header_where_it_may_be_used(tmp_path: Path) -> None:
    macro = b"#define LISTEN(s) listen(s, 5)\n"
    behind = b"#ifdef A\n#include <a.h>\nint x;\n#endif\nint f(int s) { return LISTEN(s); }\n"
    new = rewritten(tmp_path, macro + behind)
    assert new == _OURS + macro.replace(b"listen", b"scaffold_listen") + behind


def test_conditions_without_end(tmp_path: Path) -> None:
    """Deeper than anybody looks, and in a time that grows with the text alone."""
    deep = b"#if A\n" * 20_000 + _SYSTEM + _CALL
    new = rewritten(tmp_path, deep)
    assert new.count(_OURS) == 1
    assert _RENAMED in new
