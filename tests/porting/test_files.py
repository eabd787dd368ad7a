"""Which files are looked at: by name, by first line; and what is left out, and counted."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from scaffold_port.analyze import analyze
from scaffold_port.cli import main
from scaffold_port.files import NO_FILE, NO_SOURCE, NOT_SOURCE, Choice, collect
from scaffold_port.ignored import patterns

C = "int f(int s) { return listen(s, 5); }\n"
PYTHON = "import socket\nsocket.socket()\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def looked_at(folder: Path, choice: Choice) -> list[str]:
    return [path.relative_to(folder).as_posix() for path, _ in collect([folder], choice).wanted]


@pytest.mark.parametrize(
    "name",
    [
        *("a.c", "a.h", "a.y", "a.l", "a.lex", "a.c.in", "a.h.in", "a.h.cmake"),
        *("a.cc", "a.cpp", "a.C", "a.hpp", "a.H", "a.ipp", "a.inl", "a.tpp", "a.cppm", "a.ixx"),
        *("a.yy", "a.ll", "a.cpp.in"),
    ],
)
def test_c_by_its_name(name: str, tmp_path: Path) -> None:
    report = analyze([write(tmp_path, {name: C}) / name], jobs=1)
    assert [one.call for one in report.findings] == ["listen"]


@pytest.mark.parametrize("name", ["a.py", "a.pyw", "a.pyi", "a.py.in"])
def test_python_by_its_name(name: str, tmp_path: Path) -> None:
    report = analyze([write(tmp_path, {name: PYTHON}) / name], jobs=1)
    assert [one.call for one in report.findings] == ["socket"]


@pytest.mark.parametrize(
    "head",
    ["#!/usr/bin/env python3", "#! /usr/bin/python -u", "#!@PYTHON@", "#!/usr/bin/env -S python3"],
)
@pytest.mark.parametrize("name", ["script", "script.in", "script.cgi"])
def test_python_by_its_first_line(name: str, head: str, tmp_path: Path) -> None:
    report = analyze([write(tmp_path, {name: f"{head}\n{PYTHON}"})], jobs=1)
    assert [one.call for one in report.findings] == ["socket"]


def test_scripts_are_rewritten(tmp_path: Path) -> None:
    """With what was told from the first line."""
    file = write(tmp_path, {"script": f"#!/usr/bin/python3\n{PYTHON}"}) / "script"
    assert (
        CliRunner().invoke(main, ["rewrite", "--no-cache", str(file), "--in-place"]).exit_code == 0
    )
    assert "scaffold.inet.socket()" in file.read_text()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a.txt", NOT_SOURCE),
        ("run", NOT_SOURCE),
        ("empty", NO_SOURCE),
        ("docs", NO_SOURCE),
        ("a.c/", "no such file or directory"),
    ],
)
def test_what_is_named_is_analysed_or_listed(path: str, reason: str, tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": C, "run": "#!/bin/sh\n", "docs/a.md": ""})
    (tmp_path / "empty").mkdir()
    report = analyze([tmp_path / path], jobs=1)
    assert [one.reason for one in report.not_analysed] == [reason]


def test_a_name_that_is_no_file_is_listed() -> None:
    assert [one.reason for one in collect([Path("/dev/null")]).unreadable] == [NO_FILE]


def test_named_twice_is_no_miss(tmp_path: Path) -> None:
    write(tmp_path, {"a.c": C})
    files = collect([tmp_path, tmp_path / "a.c", tmp_path])
    assert (len(files.wanted), files.unreadable) == (1, [])


def test_other_languages_are_counted(tmp_path: Path) -> None:
    write(tmp_path, {"a.c": C, "a.go": "", "a.rs": "", "run": "#!/usr/bin/perl\n", "a.txt": ""})
    assert collect([tmp_path]).skipped == {"in another language": 3, "not source": 1}


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-8-sig"]
)
@pytest.mark.parametrize(("name", "text"), [("a.c", C), ("a.py", PYTHON)])
def test_encodings(name: str, text: str, encoding: str, tmp_path: Path) -> None:
    """Looked at, or listed: of every kind that Latin letters do not show in."""
    (tmp_path / name).write_bytes(text.encode(encoding))
    report = analyze([tmp_path], jobs=1)
    if encoding == "utf-8-sig":
        assert len(report.findings) == 1
    else:
        [missed] = report.not_analysed
        assert missed.reason.startswith("written in UTF-")


def test_what_is_included_is_c(tmp_path: Path) -> None:
    """Under any name, over several files; what nothing includes is no source."""
    write(tmp_path, {"a.c": '#include "calls.inc"\n', "calls.inc": f"{C} # include <more.def>\n"})
    write(tmp_path, {"more.def": C.replace("f(", "g("), "other.def": C, "a.cc": '#include "x"\n'})
    report = analyze([tmp_path], jobs=1)
    assert [Path(one.path).name for one in report.findings] == ["calls.inc", "more.def"]
    assert report.skipped == {"not source": 1}
    words = ["rewrite", "--no-cache", str(tmp_path), "--in-place"]
    assert CliRunner().invoke(main, words).exit_code == 1  # nothing builds it
    assert "scaffold_listen" in (tmp_path / "more.def").read_text()


# --- grammars -------------------------------------------------------------------------------------

RULES = "stmt: LISTEN NUM { listen($2, 5); } ;\n"
PROLOGUE = "%{\n#include <errno.h>\n"
OURS = "#include <scaffold/scaffold.h>\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{PROLOGUE}%}}\n%%\n{RULES}", f"{PROLOGUE}{OURS}%}}\n%%\n{RULES}"),
        (f"/* {{ */\n%{{\n%}}\n%%\n{RULES}", f"/* {{ */\n%{{\n{OURS}%}}\n%%\n{RULES}"),
        (f"%token LISTEN\n%%\n{RULES}", f"%{{\n{OURS}%}}\n%token LISTEN\n%%\n{RULES}"),
        (f"{PROLOGUE}%}}\n%%\na: ;\n%%\n{C}", f"{PROLOGUE}{OURS}%}}\n%%\na: ;\n%%\n{C}"),
    ],
)
@pytest.mark.parametrize("name", ["a.y", "a.l", "a.yy"])
def test_grammars(before: str, after: str, name: str, tmp_path: Path) -> None:
    """The include is among the C that is copied to the top; a second run changes nothing."""
    file = write(tmp_path, {name: before}) / name
    for _ in range(2):
        words = ["rewrite", "--no-cache", str(file), "--in-place"]
        assert CliRunner().invoke(main, words).exit_code == 0
        assert file.read_text() == after.replace("listen(", "scaffold_listen(")


# --- what is left out -----------------------------------------------------------------------------


def test_what_git_ignores(tmp_path: Path) -> None:
    """Nested, with exceptions, and from the top of the repository on."""
    files = ["a.c", "gen.c", "keep.gen.c", "build/b.c", "sub/a.c", "sub/deep/own.c", "sub/gen.c"]
    write(tmp_path, dict.fromkeys(files, C))
    write(tmp_path, {".gitignore": "*gen.c\n!keep.gen.c\n/build/\n", "sub/.gitignore": "!gen.c\n"})
    write(tmp_path, {"sub/deep/.gitignore": "own.c\n"})
    choice = Choice(gitignore=True)
    assert looked_at(tmp_path, choice) == ["a.c", "keep.gen.c", "sub/a.c", "sub/gen.c"]
    assert collect([tmp_path], choice).skipped["ignored by git"] == 3
    assert len(looked_at(tmp_path, Choice(gitignore=False))) == len(files)
    assert len(collect([tmp_path / "gen.c", tmp_path / "build"], choice).wanted) == 2


def test_the_repository_above(tmp_path: Path) -> None:
    """Its patterns hold below, but not those above its top."""
    write(tmp_path, {".gitignore": "*.c\n", "top/.gitignore": "/src/gen.c\nout/\n"})
    write(tmp_path, dict.fromkeys(["top/src/a.c", "top/src/gen.c", "top/out/a.c"], C))
    (tmp_path / "top/.git").mkdir()
    assert looked_at(tmp_path / "top/src", Choice()) == ["a.c"]
    assert looked_at(tmp_path / "top/out", Choice()) == ["a.c"]  # who names it wants to see it


def test_lines_that_are_no_patterns(tmp_path: Path) -> None:
    write(tmp_path, {"a.c": C, "b.c": C})
    (tmp_path / ".gitignore").write_bytes(b"!\n[z-a]\n\\\n\xff\nb.c\n")
    assert looked_at(tmp_path, Choice()) == ["a.c"]


def test_what_is_excluded(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys(["a.c", "tests/a.c", "x/tests/b.c", "x/y.c"], C))
    choice = Choice((patterns(tmp_path, ["tests/", "/x/y.c"]),))
    assert looked_at(tmp_path, choice) == ["a.c"]
    assert collect([tmp_path], choice).skipped == {"excluded": 3}
    assert len(collect([tmp_path / "x/y.c"], choice).wanted) == 1
    with pytest.raises(ValueError, match="pattern"):
        patterns(tmp_path, ["[z-a]"])
