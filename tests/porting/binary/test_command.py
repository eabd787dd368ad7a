"""`scaffold-port audit`."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from scaffold_port.commands.audit import audit

from .conftest import Build

SOCKET = "int socket(); int main(void) { return socket(2, 1, 0); }"
SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "audit.schema.json"


def run(*words: str | Path) -> Result:
    result = CliRunner().invoke(audit, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_text(build: Build) -> None:
    result = run(build("it", SOCKET))
    assert result.exit_code == 0
    assert "shim works" in result.stdout
    assert "Socket calls" in result.stdout
    assert "Warnings" not in result.stdout


def test_json(build: Build) -> None:
    path = build("it", SOCKET)
    result = run("--json", path, path)
    document = json.loads(result.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert (result.exit_code, document["schema"], len(document["binaries"])) == (0, 1, 2)
    assert document["binaries"][0]["objects"] == [{"path": str(path), "imports": ["socket"]}]


def test_the_others_are_audited_still(build: Build, tmp_path: Path) -> None:
    path = build("it", SOCKET)
    (tmp_path / "text").write_text("hello")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "cut").write_bytes(path.read_bytes()[:3000])
    bad = [tmp_path / name for name in ("text", "loop", "cut", "missing", ".")]
    result = run("--json", *bad, path)
    assert result.exit_code == 1
    assert [one["path"] for one in json.loads(result.stdout)["binaries"]] == [str(path)]
    lines = result.stderr.splitlines()
    assert len(lines) == len(bad)
    assert all(line.startswith(f"scaffold-port: {tmp_path}") for line in lines)


def test_names_are_looked_up(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build("bin/it", SOCKET)
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")
    assert json.loads(run("--json", "it").stdout)["binaries"][0]["path"] == str(path)
    result = run("no-such-program")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "scaffold-port: no-such-program: is not on PATH; give its path\n"


def test_markup_in_names_is_not_obeyed(build: Build) -> None:
    assert "[bold]it" in run(build("[bold]it", SOCKET)).stdout


def test_help() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "Example:" in result.stdout
    assert run().exit_code == 2
