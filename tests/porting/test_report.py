"""The formats of the report, suppression, and the command."""

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scaffold_port import __version__
from scaffold_port.analyze import analyze
from scaffold_port.cli import main
from scaffold_port.findings import GROUPS
from scaffold_port.report import FORMATS

FIXTURES = Path(__file__).with_name("fixtures")
ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT.parent / "shared/data"


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_text_has_place_caret_and_function() -> None:
    done = run("analyze", FIXTURES / "call.c")
    assert done.exit_code == 0
    place = f"{FIXTURES / 'call.c'}:15:13: "
    lines = done.output.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(place))
    assert lines[at].endswith("[connection-call]")
    assert lines[at + 1].index("accept4") == lines[at + 2].index("^~~~~~~")
    assert "in serve; under #ifdef WITH_ACCEPT4; rewrite makes it scaffold_accept4" in lines[at + 3]


def test_columns_behind_letters_of_several_bytes(tmp_path: Path) -> None:
    """A caret counts characters, SARIF units of UTF-16, and findings bytes."""
    file = tmp_path / "a.c"
    file.write_text('int f(int s) { return g("\u00e9\U0001f600") + listen(s, 1); }\n')
    lines = run("analyze", file).output.splitlines()
    assert lines[0].startswith(f"{file}:1:37: ")
    assert lines[1].index("listen") == lines[2].index("^")
    [result] = json.loads(run("analyze", "--format", "sarif", file).output)["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["endColumn"]) == (34, 40)


def test_json() -> None:
    document = json.loads(run("analyze", "--format", "json", FIXTURES / "call.c").output)
    assert document["schema"] == 1
    assert document["summary"]["findings"] == len(document["findings"]) == 13
    assert set(document) == {"schema", "summary", "findings", "not_analysed", "skipped"}
    assert document["findings"][0]["call"] == "accept"
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(
        document, json.loads((ROOT / "docs/schemas/analyze.schema.json").read_text())
    )


def test_sarif_is_valid() -> None:
    schemas = list(SCHEMAS.glob("*sarif*")) if SCHEMAS.is_dir() else []
    if not schemas:
        pytest.skip("the schema of SARIF 2.1.0 is not here")
    jsonschema = pytest.importorskip("jsonschema")
    document = json.loads(FORMATS["sarif"](analyze([FIXTURES])))
    jsonschema.Draft7Validator(json.loads(schemas[0].read_text())).validate(document)
    results = document["runs"][0]["results"]
    fixed = [one for one in results if "fixes" in one]
    assert len(fixed) > 10
    change = fixed[0]["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert change["insertedContent"]["text"].startswith("scaffold_")


def test_html_is_one_file() -> None:
    text = FORMATS["html"](analyze([FIXTURES]))
    assert "http://" not in text
    assert "https://" not in text
    assert text.count("<tr class=") == len(analyze([FIXTURES]).findings)
    assert "<mark>accept4</mark>" in text


def test_html_shows_the_lines_around(tmp_path: Path) -> None:
    """As long as the file is what was analysed."""
    file = tmp_path / "a.c"
    file.write_text("int a;\nint b;\nint f(int s) { return listen(s, 5); }\nint <c>;\n")
    report = analyze([file])
    around = "<i>    2</i> int b;\n<i>    3</i> int f(int s) { return <mark>listen</mark>(s, 5); }"
    assert f"<pre><i>    1</i> int a;\n{around}\n<i>    4</i> int &lt;c&gt;;</pre>" in FORMATS[
        "html"
    ](report)
    alone = "<pre><i>    3</i> int f(int s) { return <mark>listen</mark>(s, 5); }</pre>"
    file.write_text("int a;\n" + file.read_text())
    assert alone in FORMATS["html"](report)
    file.unlink()
    assert alone in FORMATS["html"](report)


def test_html_says_what_there_is_to_do(tmp_path: Path) -> None:
    """Whose, when, by which version, and the verdict; before anything else."""
    (tmp_path / "greet").mkdir()
    (tmp_path / "greet/a.c").write_text(
        "int f(int s) { return listen(s, 5) + rresvport(s); }\n"
        "#ifdef _WIN32\nint g(int s) { return listen(s, 5); }\n#endif\n"
    )
    page = FORMATS["html"](analyze([tmp_path / "greet"]))
    head, _, rest = page[page.index("<h1>") :].partition("<h2>")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    assert head.startswith("<h1>greet: what a port has to change</h1>")
    assert f"{today}, scaffold-port {__version__}" in head
    assert "1 of 3 findings are automatic, about 2 lines in all. " in head
    assert "1 are to decide and 1 context; everything was analysed." in head
    assert "<summary><code>rresvport</code>" in rest


def test_html_has_a_filter_for_each_group() -> None:
    """What nobody has to read is shown on request."""
    page = FORMATS["html"](analyze([FIXTURES]))
    boxes = re.findall(r"<input type=checkbox name=(\w+)( checked)?>", page)
    assert [name for name, shown in boxes if shown] == ["decide", "automatic"]
    assert {name for name, _ in boxes} == set(GROUPS)
    assert set(re.findall(r"<tr class=\w+ data-group=(\w+)>", page)) <= set(GROUPS)


def test_html_draws_the_effort() -> None:
    """Lines, what rewrite does of them first: those of a kind in one bar."""
    report = analyze([FIXTURES / "call.c"])
    text = FORMATS["html"](report)
    done = sum(one.lines for one in report.active() if one.automatic and one.kind == 9)
    assert done
    assert f"<title>by rewrite: {done}</title>" in text


def test_markdown_has_a_row_for_each_finding() -> None:
    """But for context, which is counted."""
    report = analyze([FIXTURES])
    rows = FORMATS["markdown"](report).count(" | automatic | ")
    assert rows == report.count("automatic")
    assert " | context | " not in FORMATS["markdown"](report)


def test_comments_suppress_and_stay_visible(tmp_path: Path) -> None:
    file = tmp_path / "a.c"
    file.write_text(
        "int f(int s) {\n"
        "  /* scaffold-port: ignore connection-call only for tests */\n"
        "  listen(s, 5);\n"
        "  return connect(s, 0, 0); // scaffold-port: ignore all\n"
        "}\n"
    )
    report = analyze([file])
    assert [one.suppressed for one in report.findings] == ["only for tests", "a comment says so"]
    assert report.summary()["findings"] == 0
    done = run("analyze", "--fail-on", "any", file)
    assert done.exit_code == 0
    assert "(suppressed: only for tests)" in done.output


def test_a_baseline_knows_findings_by_what_they_are(tmp_path: Path) -> None:
    file, baseline = tmp_path / "a.c", tmp_path / "port.json"
    file.write_text("int f(int s) {\n  return listen(s, 5);\n}\n")
    assert run("analyze", file, "--write-baseline", baseline).exit_code == 0
    file.write_text("\n\nint f(int s) {\n  return listen(s, 5);\n}\n")
    assert run("analyze", file, "--baseline", baseline, "--fail-on", "any").exit_code == 0
    file.write_text("int f(int s) {\n  connect(s, 0, 0);\n  return listen(s, 5);\n}\n")
    done = run("analyze", file, "--baseline", baseline, "--fail-on", "any")
    assert done.exit_code == 1
    assert "(suppressed: in the baseline)" in done.output


def test_a_second_run_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.c"
    file.write_text("int f(int s) { return listen(s, 5); }\n")
    first = run("analyze", "--format", "json", file).output
    monkeypatch.setattr("scaffold_port.c.check.check", None)
    assert run("analyze", "--format", "json", file).output == first


def test_usage(tmp_path: Path) -> None:
    done = run("analyze", tmp_path / "nothing")
    assert done.exit_code == 2
    assert "there is no such file or folder" in done.output
    assert "Example:" in run("analyze", "--help").output
