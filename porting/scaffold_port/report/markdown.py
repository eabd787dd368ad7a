"""The report for a page in a repository."""

from ..files import display
from ..findings import GROUPS, Report
from ..kinds import kind


def render(report: Report) -> str:
    """Sums by kind, then a table of findings by file."""
    about = report.summary()
    lines = [
        "# What a port has to change",
        "",
        f"{about['findings']} findings in {about['files']} files: {about['automatic']} automatic, "
        f"{about['decide']} to decide, {about['context']} context; about {about['lines']} lines.",
        "",
        "| kind of change | findings |",
        "|---|---|",
    ]
    for number, count in sorted(about["by_kind"].items(), key=lambda item: int(item[0])):
        lines.append(f"| {number} {kind(int(number)).title} | {count} |")
    lines += ["", "| place | function | rule | group | what |", "|---|---|---|---|---|"]
    for one in report.to_read():
        what = _cell(one.question or one.message) + (
            f" (suppressed: {_cell(one.suppressed)})" * bool(one.suppressed)
        )
        lines.append(
            f"| {_path(one.path)}:{one.line} | {_cell(one.function)} | {one.rule} "
            f"| {GROUPS[one.group]} | {what} |"
        )
    if report.not_analysed:
        lines += ["", "| not analysed | why |", "|---|---|"]
        lines += [
            f"| {_path(one.path)}{f':{one.line}' if one.line else ''} | {_cell(one.reason)} |"
            for one in report.not_analysed
        ]
    return "\n".join(lines) + "\n"


def _path(path: str) -> str:
    return _cell(display(path))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
