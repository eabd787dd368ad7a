"""The `scaffold` command without a scaffoldd: help, bad input, what `run` hands over."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

from python.fake_scaffoldd import FakeScaffoldd
from scaffold import cli, launch, paths

ROOT = Path(__file__).parents[2]

DOCUMENT = {
    "schema": 1,
    "hosts": [
        {"name": "a", "address": "1:1", "underlay": "10.0.0.1:7213", "role": "host", "up": True}
    ],
    "services": [
        {
            "name": "web.demo.scaffold:80",
            "id": "0" * 64,
            "verified": False,
            "instances": [
                {"host": "a", "pid": 7, "program": "nginx", "lease_s": None},
                {"host": "b", "pid": None, "program": None, "lease_s": 3.25},
            ],
        }
    ],
    "flows": [
        {
            "id": "1",
            "service": "web.demo.scaffold:80",
            "pid": 9,
            "program": "wget",
            "plane": "user",
            "peer": "b",
            "state": "open",
            "tx_bytes": 100,
            "rx_bytes": 104857600,
            "rtt_us": 80,
            "lost": 0,
        }
    ],
}


def scaffold(*words: str, **env: str) -> Result:
    return CliRunner().invoke(cli.main, list(words), env=env)


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        here = (*prefix, name)
        found += commands(command, here) if isinstance(command, click.Group) else [here]
    return found


@pytest.mark.parametrize("words", commands(cli.main))
def test_every_help_has_an_example(words: tuple[str, ...]) -> None:
    result = scaffold(*words, "--help")
    assert result.exit_code == 0
    example = "eval" if words == ("env",) else f"scaffold {' '.join(words)}"
    assert f"Example:\n    {example}" in result.output


def test_version() -> None:
    assert scaffold("--version").output.startswith("scaffold, version 0.")


@pytest.mark.parametrize("words", [("status",), ("down",)])
def test_no_scaffoldd_is_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    result = scaffold(*words, "--runtime-dir", str(tmp_path))
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert str(tmp_path) in result.output
    assert "scaffold up" in result.output


@pytest.mark.parametrize("text", ["80", "80:", ":80", "a:b", "0:80", "80:65536", "1:2:3"])
def test_bad_publish(text: str) -> None:
    result = scaffold("run", "--publish", text, "--", "true")
    assert result.exit_code == 1
    assert result.output == (
        f"scaffold: --publish {text}: write SERVICE_PORT:PROGRAM_PORT, as in 80:8000\n"
    )


def test_bad_rate() -> None:
    result = scaffold("bench", "latency", "--shape", "quick")
    assert result.exit_code == 1
    assert "write for example 1gbit" in result.output


def test_status_as_json_and_as_tables(tmp_path: Path) -> None:
    with FakeScaffoldd(tmp_path, DOCUMENT):
        as_json = scaffold("status", "--json", "--runtime-dir", str(tmp_path))
        tables = scaffold("status", "--runtime-dir", str(tmp_path), COLUMNS="120")
    schema = json.loads((ROOT / "docs/schemas/status.schema.json").read_text())
    jsonschema.validate(json.loads(as_json.output), schema)
    for text in ("web.demo.scaffold:80", "nginx", "3.2 s", "wget", "100.0 MiB", "80 us"):
        assert text in tables.output


def test_status_folds_on_a_narrow_terminal(tmp_path: Path) -> None:
    with FakeScaffoldd(tmp_path, DOCUMENT):
        result = scaffold("status", "--runtime-dir", str(tmp_path), COLUMNS="40")
    assert result.exit_code == 0


def test_env_can_be_evaluated(tmp_path: Path) -> None:
    result = scaffold(
        "env", "--service", "w.d.scaffold", "--publish", "80:8000", "--publish", "443:8443",
        "--runtime-dir", str(tmp_path / "a b"), LD_PRELOAD="/lib/other.so",
    )  # fmt: skip
    shell = result.output + 'echo "$SCAFFOLD_SERVICE|$SCAFFOLD_PUBLISH|$SCAFFOLD_RUNTIME_DIR"'
    done = subprocess.run(
        ["sh", "-c", shell.replace("export LD_PRELOAD", "export PRELOAD")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"w.d.scaffold|80:8000,443:8443|{tmp_path}/a b"
    assert f"LD_PRELOAD=/lib/other.so:{paths.part(paths.SHIM)}" in result.output


def test_preload_is_appended_once() -> None:
    shim = str(paths.part(paths.SHIM))
    first = launch.environment(Path("/r"), base={"LD_PRELOAD": "a.so b.so"})
    again = launch.environment(Path("/r"), base=first)
    assert first["LD_PRELOAD"] == again["LD_PRELOAD"] == f"a.so:b.so:{shim}"
    assert "SCAFFOLD_SERVICE" not in first


def test_a_sanitized_program_gets_its_runtime_first(tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc")
    source = tmp_path / "p.c"
    source.write_text("int main(void) { return 0; }\n")
    program = tmp_path / "p"
    subprocess.run([compiler, "-fsanitize=address", "-o", program, source], check=True)
    preload = launch.environment(Path("/r"), command=[str(program)], base={})["LD_PRELOAD"]
    assert preload.split(":")[0].startswith("libasan.so.")
    assert launch.sanitizer_of([sys.executable]) == []
    assert launch.sanitizer_of(["/no/such/program"]) == []
    assert launch.sanitizer_of([str(source)]) == []
