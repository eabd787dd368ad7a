"""The `scaffold` command without a scaffoldd: help, bad input, what `run` hands over."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

from python.fake_scaffoldd import FakeScaffoldd
from scaffold import cli, doctor, launch, paths, show

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
            "trust": "first-use",
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
    assert result.exit_code == 2
    assert result.output == (
        f"scaffold: --publish {text}: write SERVICE_PORT:PROGRAM_PORT, as in 80:8000\n"
    )


WEB = "web.acme.scaffold"
WRONG: list[tuple[list[str], dict[str, str], str]] = [
    (["--service", "web.acme"], {}, "'web.acme': a service's name ends in .scaffold"),
    (["--service", "acme.scaffold"], {}, "the provider is missing"),
    (["--service", ""], {}, "it is empty"),
    (["--service", ","], {}, "it is empty"),
    (["--service", f"{WEB}:http"], {}, "the port is a number"),
    (["--service", f"{WEB}:80/icmp"], {}, "the protocol is tcp or udp"),
    (["--service", f"{WEB},web.acme"], {}, "'web.acme': a service's name ends in"),
    (["--service", ",".join([WEB] * 17)], {}, "more than 16 services"),
    ([], {"SCAFFOLD_SERVICE": "web.acme"}, "SCAFFOLD_SERVICE= 'web.acme': a service's name"),
    (["--publish", "80:8000"], {}, "nothing is served without --service; give both"),
    (["--publish", "80:8000", "--all-local"], {}, "nothing is served without --service"),
    ([], {"SCAFFOLD_PUBLISH": "80:8000"}, "nothing is served without --service"),
    (["--service", f"{WEB}:80", "--publish", "443:8443"], {}, "does not serve port 443"),
    (["--service", WEB, "--publish", "80:1", "--publish", "80:2"], {}, "service port 80 is given"),
    (["--service", WEB, "--publish", "80:1", "--publish", "81:1"], {}, "program's port 1 is given"),
    (["--service", WEB], {"SCAFFOLD_PUBLISH": "80"}, "SCAFFOLD_PUBLISH= 80: write SERVICE_PORT"),
    (["--runtime-dir", ""], {}, "it is empty; give a path"),
    (["--runtime-dir", "/" + "x" * 95], {}, "longer than 95 bytes"),
    (["--all-loca"], {}, "No such option"),
    (["--servic", WEB], {}, "No such option"),
]
"""Each would have been ignored, or misread, with the program's ports open on plain IP."""


@pytest.mark.parametrize(("options", "settings", "why"), WRONG)
@pytest.mark.parametrize("command", ["run", "env"])
def test_what_would_have_no_effect(
    command: str, options: list[str], settings: dict[str, str], why: str
) -> None:
    words = ["--", "true"] if command == "run" else []
    clean = {"SCAFFOLD_SERVICE": None, "SCAFFOLD_PUBLISH": None}
    result = CliRunner().invoke(cli.main, [command, *options, *words], env={**clean, **settings})
    assert result.exit_code == 2, result.output
    assert why in result.output


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (["--service", WEB, "--publish", "80:8000", "--publish", "443:8443"], {}),
        (["--service", f"{WEB}:80,dns.acme.scaffold:53/udp", "--publish", "53:5353"], {}),
        (["--publish", "80:8000"], {"SCAFFOLD_SERVICE": WEB}),
        ([], {"SCAFFOLD_SERVICE": "", "SCAFFOLD_PUBLISH": ""}),
    ],
)
def test_what_has_an_effect(options: list[str], settings: dict[str, str], tmp_path: Path) -> None:
    result = scaffold("env", "--runtime-dir", str(tmp_path), *options, **settings)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["bench", "overhead", "--mtu", "9000"], "No such option"),
        (["bench", "overhead", "--shape", "1gbit"], "No such option"),
        (["bench", "latency", "--hosts", "loopback", "--mtu", "9000"], "are a link's"),
        (["bench", "latency", "--hosts", "loopback", "--shape", "1gbit"], "are a link's"),
        (["bench", "latency", "--congestion", "reno", "--hosts", "loopback"], "set on routes"),
        (["bench", "latency", "--stack", "sctp"], "is not one of"),
        (["bench", "latency", "--stack", "local", "--hosts", "loopback"], "nothing to measure"),
        (["bench", "same-host", "--base", "."], "No such option"),
        (["bench", "latency", "--runs", "0"], "must be positive"),
        (["bench", "latency", "--seconds", "nan"], "must be positive"),
        (["doctor", "connect", "nosuch"], "no check is called nosuch"),
        (["status", "--runtime-dir", ""], "it is empty"),
        (["down", "--runtime-dir", "/" + "x" * 95], "longer than 95 bytes"),
        (["up", "--log-file", ""], "it is empty"),
        (["up", "--state-dir", ""], "it is empty"),
        (["up", "--config", ""], "it is empty"),
        (["run", "--json", "--", "true"], "--json belongs to --explain"),
    ],
)
def test_options_of_other_commands(words: list[str], why: str) -> None:
    result = scaffold(*words)
    assert result.exit_code == 2, result.output
    assert why in result.output


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--name", ""], "name"),
        (["--router", ""], "router"),
        (["--log", "loud"], "give error, warn, info or debug"),
        (["--listen", "here"], "give an IPv4 or IPv6 address"),
        (["--config", "/no/such.toml"], "/no/such.toml"),
    ],
)
def test_what_scaffoldd_does_not_understand(options: list[str], why: str, tmp_path: Path) -> None:
    result = scaffold("up", "--runtime-dir", str(tmp_path / "run"), *options)
    assert result.exit_code == 2, result.output
    assert why in result.output
    assert result.output.count("\n") == 1


def test_bad_rate() -> None:
    result = scaffold("bench", "latency", "--shape", "quick")
    assert result.exit_code == 2
    assert "write for example 1gbit" in result.output


def test_status_as_json_and_as_tables(tmp_path: Path) -> None:
    with FakeScaffoldd(tmp_path, DOCUMENT):
        as_json = scaffold("status", "--json", "--runtime-dir", str(tmp_path))
        tables = scaffold("status", "--runtime-dir", str(tmp_path), COLUMNS="120")
    schema = json.loads((ROOT / "docs/schemas/status.schema.json").read_text())
    jsonschema.validate(json.loads(as_json.output), schema)
    for text in ("web.demo.scaffold:80", "nginx", "3.2 s", "wget", "100.0 MiB", "80 us"):
        assert text in tables.output


@pytest.mark.parametrize("columns", ["40", "80"])
def test_status_breaks_no_names(columns: str, tmp_path: Path) -> None:
    long = "a-rather-long-label." * 6 + "acme.scaffold:80"
    document = json.loads(json.dumps(DOCUMENT).replace("web.demo.scaffold:80", long))
    with FakeScaffoldd(tmp_path, document):
        result = scaffold("status", "--runtime-dir", str(tmp_path), COLUMNS=columns)
    assert result.exit_code == 0
    rows = [line for line in result.output.splitlines() if long in line]
    assert len(rows) == 2
    assert all(line.startswith(long) for line in rows)


def test_other_tables_break_no_names(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe, and in the first column of a narrow terminal."""
    check = "connect.a-check-with-a-rather-long-name-that-does-not-fit-into-forty-columns"
    show.checks([doctor.Result(check, "native " * 9, "shim " * 9, "different", "why " * 9)], False)
    [line] = [text for text in capsys.readouterr().out.splitlines() if check in text]
    assert line.startswith(check)
    assert "native native" in line


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
