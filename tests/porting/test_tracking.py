"""A port follows its program: status, refresh, and the table over it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from scaffold_port import ports, verify
from scaffold_port.cli import main
from scaffold_port.compare import compare, hunks
from scaffold_port.fetch import git
from scaffold_port.fetch.errors import NotAvailable

SOURCE = Path(__file__).with_name("program")
SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
TOML = """# The port of a greeting.
row = "Greeter"
licence = "Apache-2.0"

[seed]
version = "0.1"
codebase = 100
changes = 20

[[source]]
kind = "git"
package = "{package}"  # where it is
version = "v1"

[source.build]
steps = [["make", "-s"]]
programs = ["greet"]
"""
PATCH = """Description: a line by hand
Origin: this test

--- a/greet.c
+++ b/greet.c
@@ -1,3 +1,4 @@
 {0}
+/* by hand */
 {1}
 {2}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def commit(repository: Path, tag: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["add", "-A"], [*who, "commit", "-qm", tag], ["tag", tag]):
        subprocess.run(["git", *words], cwd=repository, check=True)


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """A folder of one port, pinned to v1 of a repository that has v2 as well."""
    repository = tmp_path / "greet"
    shutil.copytree(SOURCE, repository)
    subprocess.run(["git", "init", "-q"], cwd=repository, check=True)
    commit(repository, "v1")
    text = (repository / "greet.c").read_text()
    moved = text.replace("int main(", "/* one\n * two\n */\nint main(")
    (repository / "greet.c").write_text("/* new at the top */\n" + moved)
    commit(repository, "v2")
    app = tmp_path / "ports/greet"
    (app / "manual").mkdir(parents=True)
    (app / "port.toml").write_text(TOML.format(package=repository))
    (app / "manual/one.patch").write_text(PATCH.format(*text.splitlines()[:3]))
    return app


def change(tracked: Path, tag: str, old: str, new: str) -> None:
    file = tracked.parents[1] / "greet/greet.c"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    commit(file.parent, tag)


def folders(tracked: Path) -> list[str | Path]:
    return ["--ports", tracked.parent, "--into", tracked.parents[1] / "into"]


def answer(command: str, tracked: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """What `--json` prints, by its schema: the exit code, and the one answer."""
    done = run(command, "greet", "--json", *more, *folders(tracked))
    document = json.loads(done.stdout)
    schema = json.loads((SCHEMAS / f"port-{command}.schema.json").read_text())
    jsonschema.validate(document, schema)
    [[one]] = (value for name, value in document.items() if name != "schema")
    assert (one["why_not"] or "") in done.stderr
    return done.exit_code, one


def status(tracked: Path) -> tuple[int, dict[str, Any]]:
    code, found = answer("status", tracked)
    return code, found["sources"][0]


def test_a_newer_version_where_lines_moved(tracked: Path) -> None:
    code, about = status(tracked)
    assert (code, about["tracked"], about["newest"]) == (0, "v1", "v2")
    [newer] = about["newer"]
    assert newer["version"] == "v2"
    assert newer["applies"] is True
    assert newer["same"] >= 5
    assert newer["gone"] == newer["new"] == []
    assert newer["patches"] == {"one.patch": None}
    assert "greet: " in run("status", "greet", *folders(tracked)).stdout


def test_a_call_that_went_and_one_that_came(tracked: Path) -> None:
    change(tracked, "v3", "listen(", "other_listen(")
    code, about = status(tracked)
    assert [one["version"] for one in about["newer"]] == ["v3", "v2"]
    newest = about["newer"][0]
    assert code == 1
    assert newest["applies"] is False
    assert any("scaffold_listen" in line for one in newest["gone"] for line in one["added"])
    text = run("status", "greet", *folders(tracked)).stdout
    assert "v1 does not apply to v3" in text
    assert "v1 applies to v2" in text


def test_a_tracked_version_that_went(tracked: Path) -> None:
    """Nothing can be compared, and refresh goes on from the newest."""
    subprocess.run(["git", "tag", "-d", "v1"], cwd=tracked.parents[1] / "greet", check=True)
    code, about = status(tracked)
    assert (code, about["newer"]) == (1, [])
    assert "v1" in about["missing"]["v1"]
    assert "v1 is missing" in run("status", "greet", *folders(tracked)).stdout
    assert run("refresh", "greet", *folders(tracked)).exit_code == 0
    assert status(tracked)[0] == 0


def test_refresh(tracked: Path) -> None:
    patch, toml = tracked / "manual/one.patch", tracked / "port.toml"
    done = run("refresh", "greet", *folders(tracked))
    assert done.exit_code == 0, done.output
    assert "v1 -> v2" in done.stdout
    assert "one.patch: its lines moved" in done.stdout
    text = patch.read_text()
    assert text.startswith("Description: a line by hand\nOrigin: this test\n\n--- a/greet.c\n")
    assert " /* new at the top */" in text
    assert text.count("+/* by hand */") == 1
    repository = tracked.parents[1] / "greet"
    assert toml.read_text() == TOML.format(package=repository).replace('"v1"', '"v2"')
    assert ports.read(tracked.parent, "greet").sources[0].version == "v2"
    code, about = status(tracked)
    assert (code, about["newer"]) == (0, [])


def test_refresh_as_json(tracked: Path) -> None:
    code, done = answer("refresh", tracked)
    assert (code, done["patches"], done["why_not"]) == (0, ["one.patch"], None)
    [source] = done["sources"]
    assert (source["before"], source["after"]) == ("v1", "v2")


def test_what_cannot_be_had(tracked: Path) -> None:
    """Every command says so on stderr, and in its document."""
    repository = tracked.parents[1] / "greet"
    shutil.rmtree(repository)
    for command in ("fetch", "build", "status", "refresh"):
        code, said = answer(command, tracked)
        assert (code, said["app"]) == (1, "greet")
        assert str(repository) in said["why_not"]


def test_refresh_changes_nothing_that_has_no_place(tracked: Path) -> None:
    head = "\n".join((SOURCE / "greet.c").read_text().splitlines()[:6])
    change(tracked, "v3", head, "/* another head */\n" * 6)
    before = {path: path.read_bytes() for path in tracked.rglob("*") if path.is_file()}
    done = run("refresh", "greet", *folders(tracked))
    assert done.exit_code == 1
    assert "one.patch" in done.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert status(tracked)[1]["newer"][0]["patches"]["one.patch"]


def test_what_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="nothing"):
        git.versions(str(tmp_path / "nothing"), tmp_path)


def test_hunks_are_compared_wherever_they_stand() -> None:
    old = hunks((("a.c", b"1\n2\n3\n", b"1\ntwo\n3\n"),))
    new = hunks((("a.c", b"0\n0\n1\n2\n3\n4\n", b"0\n0\n1\ntwo\n3\nfour\n"),))
    found = compare(old, new)
    assert (found.same, found.gone, found.applies) == (1, [], True)
    assert [one.added for one in found.new] == [(b"four",)]
    assert compare(new, old).gone == found.new


# --- built and run --------------------------------------------------------------------------------

LOUD = """
import subprocess
from scaffold.scenario import Result, expect
def run(lab, **about):
    print("from the scenario")
    host = lab["a"]
    host.end(host.popen(["sh", "-c", "echo from a program; exec cat"], stdin=subprocess.PIPE))
    expect(about["level"] != "relink", "the reason")
    return Result(figures={"bytes": 5})
"""


def test_a_build_as_json(tracked: Path) -> None:
    code, built = answer("build", tracked, "--level", "relink")
    assert (code, built["level"]) == (0, "relink")
    assert Path(built["programs"], "greet").is_file()
    (tracked / "port.toml").write_text((tracked / "port.toml").read_text().replace("make", "no"))
    code, built = answer("build", tracked, "--level", "relink")
    assert (code, built["programs"]) == (1, None)


def test_a_run_as_json(tracked: Path) -> None:
    """Whatever a scenario and its programs print, stdout is one document."""
    (tracked / "scenario.py").write_text(LOUD)
    words = ["verify", "greet", "--json", "--level", "shim", "--level", "relink"]
    command = [sys.executable, "-m", "scaffold_port", *words, *folders(tracked)]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | paths)
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "port-verify.schema.json").read_text()))
    shim, relink = document["verified"]
    assert (shim["figures"], shim["why_not"]) == ({"bytes": 5}, None)
    assert (relink["figures"], relink["why_not"]) == ({}, "the reason")
    assert done.returncode == 1
    assert "from the scenario" in done.stderr
    assert "greet: not verified at level relink: the reason" in done.stderr


# --- the table ------------------------------------------------------------------------------------


def table(tracked: Path, form: str = "json") -> Any:
    return run("table", "greet", "--format", form, *folders(tracked))


def test_a_row(tracked: Path) -> None:
    document = json.loads(table(tracked).stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "table.schema.json").read_text()))
    [row] = document["rows"]
    assert row["seed"] == {"version": "0.1", "codebase": 100, "changes": 20}
    assert row["version"] == "v1"
    changed = row["changed"]["native"]
    assert changed["manual"] == 1
    assert changed["automatic"] >= 6
    assert changed["automatic"] + 1 == sum(changed[one] for one in ("added", "modified", "removed"))
    assert set(row["changed"]["relink"].values()) == {0}
    assert row["verified"] == dict.fromkeys(("shim", "relink", "native"), "no")
    assert row["why_not"]["native"] == "never run here"


def test_a_folder_without_ports(tmp_path: Path) -> None:
    """An empty table would say that all is well."""
    done = run("table", "--all", "--ports", tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "no ports in" in done.stderr


def test_only_what_was_run_this_time_is_yes(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scenario(port: Any, level: str, *_: Any, full: bool) -> dict[str, float]:
        if level == "relink":
            raise verify.build.BuildError("the reason")
        return {"bytes": 1}

    monkeypatch.setattr(verify, "_run", scenario)
    words = ["table", "greet", "--verify", "--format", "json", *folders(tracked)]
    done = run(*words)
    assert done.exit_code == 1
    [row] = json.loads(done.stdout)["rows"]
    assert row["verified"] == {"shim": "yes", "relink": "no", "native": "yes"}
    assert row["why_not"] == {"relink": "the reason"}
    [row] = json.loads(table(tracked).stdout)["rows"]
    assert row["verified"]["native"] == row["last_run"]["native"][:10] != "yes"
    assert row["verified"]["relink"] == "no"


@pytest.mark.parametrize("form", ["text", "markdown", "csv", "html"])
def test_the_formats_have_the_row_and_the_reasons(tracked: Path, form: str) -> None:
    text = table(tracked, form).stdout
    assert "Greeter" in text
    assert "0.1" in text
    if form != "csv":
        assert "never run here" in text
        assert "1 programs" in text or "1 program" in text
    else:
        assert text.splitlines()[1].startswith("Greeter,0.1,100,20,v1,")
