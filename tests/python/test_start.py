"""What starts without being noticed: `import scaffold` and `scaffold run`.

Here is counted what they load; what it costs in CPU, tests/verify/test_figures.py measures.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python.fake_scaffoldd import FakeScaffoldd
from scaffold import cli, run

SLOW = {
    "asyncio", "cffi", "click", "concurrent", "csv", "dataclasses", "email", "importlib.metadata",
    "inspect", "json", "logging", "rich", "shutil", "ssl", "subprocess", "tempfile", "zipfile",
}  # fmt: skip
"""Modules that take a millisecond or more each, and that a program's start has no use for."""


@pytest.fixture(autouse=True, scope="module")
def no_settings_of_the_users() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SCAFFOLD_RUNTIME_DIR", raising=False)
        yield


def loaded(code: str, **environment: str) -> set[str]:
    """The modules that a fresh Python has after some code."""
    report = "import sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import scaffold",
        "import scaffold; scaffold.socket, scaffold.create_connection, scaffold.DatagramSocket",
        "import scaffold.inet",
    ],
)
def test_import(code: str) -> None:
    assert loaded(code) & SLOW == set()


def test_asyncio_comes_with_what_needs_it() -> None:
    assert "asyncio" in loaded("import scaffold; scaffold.open_connection")
    assert "asyncio" in loaded("import scaffold; scaffold.create_datagram_endpoint")


def test_run(tmp_path: Path) -> None:
    """Up to the exec, whose place is taken by a look at the modules."""
    code = (
        "import os, sys\n"
        "os.execvpe = lambda *_: None\n"
        f"sys.argv = ['scaffold', 'run', '--runtime-dir', {str(tmp_path)!r}, '--', 'true']\n"
        "from scaffold.__main__ import main\n"
        "main()"
    )
    with FakeScaffoldd(tmp_path):
        found = loaded(code)
    assert "scaffold.launch" in found
    assert found & SLOW == set()


def test_every_name_of_the_package_is_there() -> None:
    import scaffold

    for name in scaffold.__all__:
        assert getattr(scaffold, name) is not None
    assert set(scaffold.__all__) <= set(dir(scaffold))
    assert scaffold.errors.NoDaemon is scaffold.NoDaemon
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = scaffold.nothing  # type: ignore[attr-defined]


# --- two readers of one command line --------------------------------------------------------------

OPTIONS = [
    option
    for one in cli.run.params
    for option in (*one.opts, *one.secondary_opts)
    if option.startswith("-")
]
WORDS = [*OPTIONS, "--", "-", "-h", "--help", "--all-loca", "--service=w.d.scaffold", "80:8000",
         "w.d.scaffold", "/r", "true", ""]  # fmt: skip


def by_click(words: list[str]) -> run.Request | None:
    """What click reads; None where it is help, a mistake, or for --explain."""
    try:
        context = cli.run.make_context("run", list(words))
    except (click.exceptions.Exit, click.UsageError):
        return None
    values = context.params
    if values["explained"] or values["as_json"]:
        return None
    names = ("words", "service", "publish", "all_local", "trap", "runtime_dir")
    return run.Request(*(values[name] for name in names))


@given(st.lists(st.sampled_from(WORDS), max_size=7))
def test_the_quick_reader_reads_as_click_does(words: list[str]) -> None:
    request = run.parse(words)
    if request is not None:
        assert request == by_click(words)


@pytest.mark.parametrize(
    "words",
    [
        ["true"],
        ["--", "true"],
        ["--", "--", "true"],
        ["--service", "w.d.scaffold", "--publish", "80:8000", "--", "wget", "-O", "-", "--trap"],
        [
            "--runtime-dir",
            "/r",
            "--all-local",
            "--trap",
            "--publish",
            "1:2",
            "--publish",
            "3:4",
            "x",
        ],
    ],
)
def test_the_quick_reader_reads_what_is_common(words: list[str]) -> None:
    assert run.parse(words) == by_click(words) != None  # noqa: E711


@pytest.mark.parametrize("module", ["scaffold", "scaffold.cli"])
def test_both_ways_end_alike(module: str, tmp_path: Path) -> None:
    """What is wrong with a program is said and told by the exit code, whoever read the words."""
    with FakeScaffoldd(tmp_path):
        for words, code, text in (
            (["--", "no-such-program"], 127, "no-such-program: No such file or directory"),
            (["--", "/"], 126, "/: Permission denied"),
            (["--publish", "80", "--", "true"], 2, "--publish 80: write"),
            (["--service", "web.acme", "--", "true"], 2, "--service 'web.acme': a service's name"),
            (["--", "sh", "-c", "exit 7"], 7, ""),
        ):
            command = [sys.executable, "-m", module, "run", "--runtime-dir", str(tmp_path), *words]
            done = subprocess.run(command, capture_output=True, text=True)
            assert (done.returncode, done.stderr.count("\n")) == (code, bool(text))
            assert text in done.stderr
