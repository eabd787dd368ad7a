"""The report for people at a terminal, in colours; whoever writes it elsewhere takes them off.

What is to be decided comes first, what needs nobody is counted alone: `--only` shows it.
"""

from click import style

from ..files import display
from ..findings import Finding, Report
from ..kinds import kind


def render(report: Report) -> str:
    """Findings with their lines, then what was not looked at, then the sums."""
    parts = [_finding(one) for one in report.to_read()]
    parts += [_not_analysed(one.path, one.line, one.reason) for one in report.not_analysed]
    return "\n".join([*parts, _summary(report)]) + "\n"


def _finding(one: Finding) -> str:
    place = style(f"{display(one.path)}:{one.line}:{one.column}:", bold=True)
    head = f"{place} {one.question or one.message} {style(f'[{one.rule}]', fg='cyan')}"
    if one.suppressed:
        return f"{head} (suppressed: {one.suppressed})"
    text = one.text.expandtabs(1)
    start, end = (min(at, len(text)) for at in one.shown)
    caret = " " * start + style("^" + "~" * (end - start - 1), fg="green", bold=True)
    about = [f"kind {one.kind}, {one.confidence} confidence"]
    if one.function:
        about.append(f"in {one.function}")
    if one.ifdef:
        about.append("under " + ", ".join(one.ifdef))
    if one.rewritten:
        done = "imports what it needs" if one.fix == one.call else f"makes it {one.fix}"
        about.append(f"rewrite {done}")
    if one.left:
        about.append(f"left alone: {one.left}")
    return f"{head}\n  {text}\n  {caret}\n  {'; '.join(about)}\n"


def _not_analysed(path: str, line: int, reason: str) -> str:
    place = f"{display(path)}:{line}" if line else display(path)
    return f"{place}: {style('not analysed:', fg='yellow')} {reason}"


def _summary(report: Report) -> str:
    about = report.summary()
    lines = [
        f"{about['findings']} findings in {about['files']} files: {about['automatic']} automatic, "
        f"{about['decide']} to decide, {about['context']} context; about {about['lines']} lines "
        "to change"
    ]
    lines += [
        f"  {count:>5}  {kind(int(number)).title}"
        for number, count in sorted(about["by_kind"].items(), key=lambda item: int(item[0]))
    ]
    if about["suppressed"]:
        lines.append(f"  {about['suppressed']:>5}  suppressed")
    if report.skipped:
        skipped = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
        lines.append(f"skipped: {skipped}")
    if report.not_analysed:
        lines.append(f"not analysed: {len(report.not_analysed)}")
    return "\n".join(lines)
