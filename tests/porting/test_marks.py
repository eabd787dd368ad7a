"""`rewrite --mark`: comments on what is left, where they change nothing."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from scaffold_port.cli import main

FIXTURES = Path(__file__).with_name("fixtures")
_MARK = re.compile(rb"[ \t]*(?:/\*|#) scaffold-port: left to you \[[\w-]+\]: [^\n]*\n")

C = rb"""#include <netinet/in.h>
#define PORT(name) \
    const char *\
        name = (char *)&rresvport
const char *text = "a \
 b"; int a = getaddrinfo_a(0, 0, 0, 0); /* and
 more */ int b = getaddrinfo_a(1, 0, 0, 0);
"""
PYTHON = b'''import socket

def name(dns) -> object:
    both = """a
  b""" % dns.getaddrinfo(b"")
    return both, dns.create_datagram_endpoint(1, 2, \\
        dns.gethostbyname(b""))
'''


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def rewritten(file: Path, data: bytes, *words: str) -> bytes:
    file.write_bytes(data)
    done = CliRunner().invoke(main, ["rewrite", str(file), "--in-place", *words])
    assert done.exit_code in (0, 1), done.output  # something may be left
    return file.read_bytes()


@pytest.mark.parametrize("level", ["relink", "native"])
@pytest.mark.parametrize("path", sorted(FIXTURES.iterdir()), ids=lambda path: path.name)
def test_nothing_but_comments(path: Path, level: str, tmp_path: Path) -> None:
    """And none twice."""
    data = path.read_bytes()
    plain = rewritten(tmp_path / path.name, data, "--level", level)
    marked = rewritten(tmp_path / path.name, data, "--level", level, "--mark")
    assert _MARK.sub(b"", marked) == plain
    assert rewritten(tmp_path / path.name, marked, "--level", level, "--mark") == marked


def test_what_is_left_is_marked(tmp_path: Path) -> None:
    marked = rewritten(
        tmp_path / "a.c", b"int f(int s)\r\n{\r\n\treturn rresvport(s);\r\n}\r\n", "--mark"
    )
    assert marked == (
        b"int f(int s)\r\n{\r\n\t/* scaffold-port: left to you [socket-family]: `rresvport` is of "
        b"libc alone: must it reach or be a service? */\r\n\treturn rresvport(s);\r\n}\r\n"
    )


def test_not_within_texts_and_macros_of_c(tmp_path: Path) -> None:
    def preprocessed(data: bytes) -> bytes:
        words = ["cc", "-E", "-P", "-x", "c", "-"]
        return subprocess.run(words, input=data, stdout=subprocess.PIPE, check=True).stdout

    marked = rewritten(tmp_path / "a.c", C, "--level", "relink", "--mark")
    assert len(_MARK.findall(marked)) == 2
    assert preprocessed(marked) == preprocessed(C)


def test_not_within_texts_of_python(tmp_path: Path) -> None:
    marked = rewritten(tmp_path / "a.py", PYTHON, "--level", "relink", "--mark")
    assert len(_MARK.findall(marked)) == 3
    assert ast.dump(ast.parse(marked)) == ast.dump(ast.parse(PYTHON))


def test_a_comment_is_no_pattern_of_lex(tmp_path: Path) -> None:
    line = b"[0-9]+ { return rresvport(port); }\n"
    marked = rewritten(tmp_path / "a.l", b"%%\n" + line, "--mark")
    assert marked.startswith(b"%%\n /* scaffold-port: left to you [socket-family]: ")
    assert marked.endswith(b" */\n" + line)
    assert rewritten(tmp_path / "a.l", marked, "--mark") == marked


def test_a_patch_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a.c").write_bytes(C + b"int f(int s) { return listen(s, 1); }\n")
    words = ["rewrite", str(tmp_path / "tree"), "--mark", "-o", str(tmp_path / "series")]
    assert CliRunner().invoke(main, words).exit_code == 1
    names = (tmp_path / "series/series").read_text().split()
    assert names == ["0001-calls.patch", "0002-left-to-you.patch"]
    for name in names:
        patch = (tmp_path / "series" / name).read_bytes()
        subprocess.run(["patch", "-p1"], input=patch, cwd=tmp_path / "tree", check=True)
    assert b"left to you" in (tmp_path / "tree/a.c").read_bytes()
