"""Writes the page of the library's table: `python -m scaffold_port.py.page FILE`."""

import sys
from itertools import groupby
from pathlib import Path

from ..rules import by_id
from .standard import EARLIER, METHODS, ONLY_SOCKETS, TODAY

INTRODUCTION = """# Python's standard library

What `scaffold-port` looks at in Python, in the standard library, in what has the same functions
under other names, and in packages that open connections in C or through a proxy, and what becomes
of it. `python -m scaffold_port.py.page` writes this page. What is not renamed is listed, with the
reason. Modules that only work on the sockets they are given (`select`, `selectors`,
`ssl.SSLContext`) are not looked at.

| names | rule | `rewrite` |
|---|---|---|
"""
EARLIER_TITLE = """
The same names count in modules that Python 2 has, and six:

| module | also |
|---|---|
"""
METHODS_TITLE = """
## Methods

Of sockets, and of asyncio's event loops. A receiver is known where the file makes it; of those in
bold the name alone is enough. On a socket that `rewrite` has made one of `scaffold.inet`, most do
what they should.

| methods | rule |
|---|---|
"""


def page() -> str:
    """The whole of it."""
    names = [
        f"| {', '.join(map('`{}`'.format, group))} | {_link(rule)} | {outcome} |\n"
        for (_, rule, outcome), group in groupby(TODAY, _row)
    ]
    earlier = [
        f"| `{module}` | {', '.join(map('`{}`'.format, names))} |\n"
        for module, names in EARLIER.items()
    ]
    methods = [
        f"| {', '.join(map(_method, group))} | {_link(rule)} |\n"
        for rule, group in groupby(sorted(METHODS, key=METHODS.__getitem__), METHODS.__getitem__)
    ]
    tables = INTRODUCTION, *names, EARLIER_TITLE, *earlier, METHODS_TITLE, *methods
    return "".join(tables)


def _row(name: str) -> tuple[str, str, str]:
    known = TODAY[name]
    module = name.rpartition(".")[0]
    if known.fix:
        return module, known.rule, "renames it: `scaffold.inet`"
    title = by_id(known.rule).title
    return module, known.rule, f"lists it: {known.why or title[0].lower() + title[1:]}"


def _method(name: str) -> str:
    return f"**`{name}`**" if name in ONLY_SOCKETS else f"`{name}`"


def _link(rule: str) -> str:
    return f"[{rule}](rules/{rule}.md)"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
