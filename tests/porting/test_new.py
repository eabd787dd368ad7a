"""A port is started: from a source to its first files."""

import ast
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from scaffold_port import ports
from scaffold_port.cli import main
from scaffold_port.start import origin

SOURCE = Path(__file__).with_name("program")
SCHEMA = Path(__file__).parents[2] / "docs/schemas/port-new.schema.json"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "greet.git"
    shutil.copytree(SOURCE, folder)
    (folder / "COPYING").write_text("as you like\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    commands = (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "all"], ["tag", "v1"])
    for words in commands:
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def new(tmp_path: Path, source: str, *more: str) -> Any:
    words = ["new", "greet", "--source", source, "--ports", str(tmp_path / "ports")]
    return CliRunner().invoke(main, [*words, "--into", str(tmp_path / "into"), *more])


def test_the_files_can_be_read(tmp_path: Path, repository: Path) -> None:
    done = new(tmp_path, f"git:{repository}")
    assert done.exit_code == 0, done.output
    assert "findings" in done.stdout
    port = ports.read(tmp_path / "ports", "greet")
    [source] = port.sources
    assert (source.kind, source.version, port.licence) == ("git", "v1", "see COPYING")
    assert source.build is not None
    assert source.build.steps == (("make", "-s"),)
    ast.parse((tmp_path / "ports/greet/scenario.py").read_text())


def test_as_json(tmp_path: Path, repository: Path) -> None:
    done = new(tmp_path, f"git:{repository}", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert Path(document["source"], "greet.c").is_file()
    assert [Path(name).name for name in document["created"]] == ["port.toml", "scenario.py"]
    assert document["findings"] >= document["automatic"] > 0
    again = new(tmp_path, f"git:{repository}", "--json")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "there is a port of that name already" in again.stderr


def test_what_is_there_stays(tmp_path: Path, repository: Path) -> None:
    assert new(tmp_path, f"git:{repository}@v1").exit_code == 0
    done = new(tmp_path, f"git:{repository}")
    assert done.exit_code == 1
    assert "there is a port of that name already" in done.stderr


def test_versions_and_users() -> None:
    assert origin("git:me@host:a/b.git").package == "me@host:a/b.git"
    pinned = origin("git:ssh://me@host/a@v1.2")
    assert (pinned.package, pinned.version) == ("ssh://me@host/a", "v1.2")
    assert (origin("debian:wget").package, origin("debian:wget").version) == ("wget", "")


@pytest.mark.parametrize("source", ["", "cvs:x", "debian:", "git"])
def test_a_source_that_is_none(tmp_path: Path, source: str) -> None:
    done = new(tmp_path, source)
    assert done.exit_code == 1
    assert "names no source; write one of debian:PACKAGE" in done.stderr
    assert not (tmp_path / "ports").exists()


def test_a_name_is_that_of_a_folder(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["new", "../evil", "--source", "debian:wget"])
    assert done.exit_code == 2
    assert "name is that of a folder" in done.stderr
