"""Writes the rules' documentation: `python -m scaffold_port.rules.page FOLDER`."""

import sys
import textwrap
from pathlib import Path

from ..kinds import kind
from . import RULES
from .examples import EXAMPLES
from .rule import Rule

INTRODUCTION = """# The rules of scaffold-port

Each finding of `scaffold-port analyze` names its rule. There is one for each of the fifteen kinds
of change that a port to services needs. `python -m scaffold_port.rules.page` writes these pages.

| rule | kind of change | `rewrite` |
|---|---|---|
"""


def pages() -> dict[str, str]:
    """By file name: the index, and a page for each rule."""
    rows = "".join(
        f"| [{rule.id}]({rule.id}.md) | {rule.kind} {kind(rule.kind).title} | "
        f"{'does it' if rule.fix else 'leaves it to you'} |\n"
        for rule in RULES
    )
    names = "\n".join(rule.id for rule in RULES)
    tree = f"\n```{{toctree}}\n:hidden:\n{names}\n```\n"
    return {"index.md": INTRODUCTION + rows + tree} | {
        f"{rule.id}.md": _page(rule) for rule in RULES
    }


def _page(rule: Rule) -> str:
    watched = [*sorted(rule.names | rule.common), *(one.pattern for one in rule.patterns)]
    lines = [
        f"# {rule.id}",
        "",
        f"{rule.title}. Kind of change {rule.kind}: {kind(rule.kind).title.lower()}.",
        "",
        *textwrap.wrap(rule.explanation, 118),
        "",
        "Names that it looks at: " + ", ".join(f"`{name}`" for name in watched) + ".",
        "",
        "`scaffold-port rewrite` makes the change."
        if rule.fix
        else "`scaffold-port rewrite` marks the place and leaves the change to you.",
        "",
        *_example("Before:", EXAMPLES[rule.id].before),
        *_example("After:", EXAMPLES[rule.id].after),
        "To suppress it on a line, with a reason that the report shows:",
        "",
        "```c",
        f"/* scaffold-port: ignore {rule.id} REASON */",
        "```",
    ]
    return "\n".join(lines) + "\n"


def _example(head: str, code: str) -> list[str]:
    return [head, "", "```c", *code.splitlines(), "```", ""]


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (target / name).write_text(text)
