"""What the commands on source are told: options, and the settings beside the program."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scaffold_port.cli import main
from scaffold_port.settings import BadSettings, find

ROOT = Path(__file__).parents[2]
LISTEN = "int f(int s) { return listen(s, 5); }\n"
DECIDE = "int g(char *s) { struct in_addr a; return inet_pton(AF_INET, s, &a); }\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {"a.c": LISTEN, "sub/b.c": LISTEN + DECIDE}.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(text)
    (tmp_path / "tree/Makefile").write_text("a: a.o\n")
    return tmp_path / "tree"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)


def found(*words: str | Path) -> list[str]:
    """The rules of an analysis, in order."""
    document = json.loads(run("analyze", "--json", *words).stdout)
    return [one["rule"] for one in document["findings"]]


# --- options --------------------------------------------------------------------------------------


def test_findings_are_chosen_by_rule(tree: Path) -> None:
    assert found(tree) == ["connection-call", "connection-call", "address-construction"]
    assert found(tree, "--select", "address-construction,port-logic") == ["address-construction"]
    assert found(tree, "--ignore", "connection-call") == ["address-construction"]
    assert found(tree, "--only", "decide") == ["address-construction"]
    assert found(tree, "--only", "automatic") == ["connection-call", "connection-call"]
    done = run("analyze", tree, "--select", "no-such")
    assert done.exit_code == 2
    assert "'no-such' is no rule; there are" in done.output


def test_rewrite_is_told_the_same(tree: Path) -> None:
    done = run("rewrite", tree, "--ignore", "connection-call")
    assert (done.stdout, done.exit_code) == ("", 1)
    done = run("rewrite", tree, "--exclude", "sub/", "--check")
    assert done.stdout == "would change: a.c\nwould change: Makefile\n"


def test_several_paths_are_rewritten(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one patch, named from the folder above them; given from anywhere."""
    monkeypatch.chdir(tree)
    expected = run("rewrite", ".").stdout
    assert "--- a/a.c\n" in expected
    assert "--- a/sub/b.c\n" in expected
    assert run("rewrite", "a.c", "sub").stdout == expected
    assert run("rewrite", tree / "a.c", "sub").stdout == expected
    monkeypatch.chdir(tree / "sub")
    assert run("rewrite", "../a.c", ".").stdout == expected
    run("rewrite", "../a.c", "b.c", "--in-place")
    assert run("rewrite", tree).stdout == ""


# --- exit status ----------------------------------------------------------------------------------


def test_the_status_of_rewrite(tree: Path) -> None:
    assert run("rewrite", tree / "a.c").exit_code == 0
    assert run("rewrite", tree).exit_code == 1
    assert run("rewrite", tree / "nothing").exit_code == 2
    (tree / "wide.c").write_text(LISTEN, encoding="utf-16")
    assert run("rewrite", tree).exit_code == 4
    assert run("analyze", tree, "--fail-on", "any").exit_code == 4
    assert run("analyze", tree / "a.c", "--fail-on", "decide").exit_code == 0
    assert run("analyze", tree / "sub", "--fail-on", "decide").exit_code == 1


def test_a_build_file_that_is_left_is_something_left(tree: Path) -> None:
    (tree / "sub/b.c").unlink()
    assert run("rewrite", tree).exit_code == 0
    (tree / "Makefile").rename(tree / "meson.build")
    assert run("rewrite", tree).exit_code == 1


def test_check_changes_nothing(tree: Path) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*.*")}
    done = run("rewrite", tree, "--check")
    assert (done.exit_code, done.stderr) == (1, "")
    assert {path: path.read_bytes() for path in tree.rglob("*.*")} == before
    run("rewrite", tree, "--in-place")
    done = run("rewrite", tree, "--check")
    assert (done.exit_code, done.output) == (0, "")


# --- formats --------------------------------------------------------------------------------------


def test_rewrite_for_programs(tree: Path) -> None:
    done = run("rewrite", tree, "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, done.stderr) == (1, "")
    assert document["patches"][0]["files"] == ["a.c", "sub/b.c"]
    assert [one["rule"] for one in document["left"]] == ["address-construction"]
    assert run("rewrite", tree, "--format", "json").stdout == done.stdout
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs/schemas/rewrite.schema.json").read_text())
    jsonschema.validate(document, schema)
    run("rewrite", tree, "--json", "--in-place")
    assert "scaffold_listen" in (tree / "a.c").read_text()


@pytest.mark.parametrize("command", ["analyze", "audit", "rewrite", "status", "table"])
def test_json_in_two_ways(command: str) -> None:
    text = run(command, "--help").output
    assert "--json" in text
    assert "--format [" in text


def on_a_terminal(*words: str, **environment: str) -> bytes:
    """What the command writes there."""
    ours, theirs = pty.openpty()
    call = "from scaffold_port.cli import main; main()"
    more = {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", **environment}
    subprocess.run([sys.executable, "-c", call, *words], stdout=theirs, env=os.environ | more)
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 1 << 16):
            written += piece
    except OSError:  # the other end is closed, and everything was read
        pass
    os.close(ours)
    return written


def test_colours_are_for_terminals(tree: Path) -> None:
    words = ["analyze", str(tree / "a.c")]
    assert b"\x1b[" in on_a_terminal(*words)
    assert b"\x1b[" not in on_a_terminal(*words, NO_COLOR="1")
    assert "\x1b[" not in run(*words).stdout
    run(*words, "-o", tree / "report")
    assert "\x1b[" not in (tree / "report").read_text()


def test_help_says_how_to_complete() -> None:
    assert "_SCAFFOLD_PORT_COMPLETE=bash_source" in run("--help").output
    done = CliRunner().invoke(
        main, prog_name="scaffold-port", env={"_SCAFFOLD_PORT_COMPLETE": "bash_source"}
    )
    assert "_scaffold_port_completion" in done.output


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "head"), [("scaffold-port.toml", ""), ("pyproject.toml", "[tool.scaffold-port]\n")]
)
def test_settings_are_found_upwards(name: str, head: str, tree: Path) -> None:
    (tree / name).write_text(
        head + 'select = ["address-construction"]\nexclude = ["/a.c"]\njobs = 1\n'
    )
    assert found(tree) == ["address-construction"]
    assert found(tree / "sub") == ["address-construction"]
    assert found(tree / "sub/b.c", "--select", "connection-call") == ["connection-call"]
    document = json.loads(run("analyze", tree, "--json", "--exclude", "/sub").stdout)
    assert document["summary"]["files"] == 1


def test_patterns_of_settings_hold_below_their_folder(tree: Path) -> None:
    (tree / "scaffold-port.toml").write_text('exclude = ["sub/*"]\n')
    done = run("analyze", tree / "sub")
    assert done.exit_code == 4
    assert "1 excluded" in done.output


def test_the_nearest_settings_hold(tree: Path) -> None:
    (tree / "scaffold-port.toml").write_text('level = "relink"\n')
    assert "scaffold-redirect" in run("rewrite", tree).output
    (tree / "sub/pyproject.toml").write_text("[tool.other]\n")
    assert run("rewrite", tree / "sub").stdout == ""
    (tree / "sub/pyproject.toml").write_text('[tool.scaffold-port]\nlevel = "native"\n')
    assert "scaffold_listen" in run("rewrite", tree / "sub").stdout


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("nonsense = 1", "unknown key 'nonsense'"),
        ('exclude = "a"', "exclude: a list is meant"),
        ('level = ["native"]', "level: one value is meant"),
        ('level = "other"', "level: 'other' is not one of"),
        ("jobs = 0", "jobs: 0 is not in the range"),
        ('select = ["no-such"]', "select: 'no-such' is no rule"),
        ("level = ", "Invalid value"),
    ],
)
def test_settings_that_are_wrong(text: str, what: str, tree: Path) -> None:
    """A usage error that names the file and the key."""
    path = tree / "scaffold-port.toml"
    path.write_text(text + "\n")
    done = run("rewrite", tree)
    assert done.exit_code == 2
    assert f"{path}: {what}" in done.output


def test_settings_of_other_tools_are_not_read(tree: Path) -> None:
    """Not even when they are no TOML; a table of ours that is none is an error."""
    (tree / "pyproject.toml").write_text("nonsense\n")
    assert find(tree / "sub", ()) is None
    (tree / "pyproject.toml").write_text("[tool]\nscaffold-port = 1\n")
    with pytest.raises(BadSettings, match="is no table"):
        find(tree, ())


# --- one analysis ---------------------------------------------------------------------------------


def test_what_strangers_put_above_a_program_is_not_used(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tree / "sub"
    (tree / "scaffold-port.toml").write_text('exclude = ["*"]\n')
    (tree / "compile_commands.json").write_text("[]")
    assert json.loads(run("analyze", own, "--json").stdout)["findings"] == []
    real = Path.lstat

    def lstat(path: Path) -> os.stat_result:
        found = list(real(path))
        return os.stat_result([*found[:4], os.geteuid() + 1, *found[5:]])

    monkeypatch.setattr(Path, "lstat", lstat)
    done = run("analyze", own, "--json")
    assert len(json.loads(done.stdout)["findings"]) == 2
    said = f"it is of user {os.geteuid() + 1}, who owns nothing else here; not used"
    assert done.stderr.splitlines() == [
        f"scaffold-port: {tree / name}: {said}"
        for name in ("scaffold-port.toml", "compile_commands.json")
    ]


def test_rewrite_knows_what_analyze_found(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run("rewrite", tree, "--no-cache").stdout
    run("analyze", tree)
    monkeypatch.setattr("scaffold_port.c.check.check", None)
    assert run("rewrite", tree, "-j", "1").stdout == expected
