"""docs/howto/troubleshoot.md and the sources say the same: whoever searches the page for a message
finds it, and no message stands there that nobody says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/howto/troubleshoot.md"

GAP = "\0"
"""What varies: a conversion in C, a value in Python."""

_COMMENTS = re.compile(r"/\*.*?\*/|\b_Static_assert\([^;]*;", re.DOTALL)
_LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*(?:[A-Z_]+\s*)?"(?:[^"\\\n]|\\.)*")*')
_ONE = re.compile(r'"((?:[^"\\\n]|\\.)*)"|([A-Z_]+)')
_CONVERSION = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z)?[diouxXcsg]")


def of_c(text: str) -> Iterator[str]:
    """The string literals, each with those that it is joined to."""
    for match in _LITERALS.finditer(_COMMENTS.sub("", text)):
        joined = "".join(
            GAP if macro else literal for literal, macro in _ONE.findall(match.group())
        )
        plain = joined.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
        yield _CONVERSION.sub(GAP, plain).replace("%%", "%")


def of_python(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def said(paths: list[Path]) -> list[str]:
    found = []
    for path in paths:
        read = of_python if path.suffix == ".py" else of_c
        found += list(read(path.read_text("utf-8")))
    return found


def sources() -> list[Path]:
    folders = [ROOT / "libscaffold", ROOT / "shim", ROOT / "porting/scaffold_port"]
    kinds = (".c", ".cc", ".h", ".py")
    return [p for folder in folders for p in sorted(folder.rglob("*")) if p.suffix in kinds]


def normal(text: str) -> str:
    return " ".join(text.split())


def messages() -> list[str]:
    """What stands in code marks in the page's tables: in the column that is headed `message`, or
    `line`."""
    found = []
    column = None
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            column = None
        elif column is None:
            names = [name for name in ("message", "line") if name in cells]
            column = cells.index(names[0]) if names else -1
        elif column >= 0:
            found += [
                (one or two).strip()
                for two, one in re.findall(r"``(.+?)``|`([^`]+)`", cells[column])
            ]
    return found


SYSTEMS = (
    "No space left on device|Read-only file system|Permission denied|No such file or directory"
)


def words(text: str) -> list[str]:
    """Without what surrounds them; a gap is a word, or part of one."""
    return [w for w in (word.strip(":;,.()\"'") for word in text.split()) if w]


def fits(word: str, template: str) -> bool:
    """Whether a word of a message may be what a template makes of one of its own."""
    if GAP not in template:
        return word == template
    return re.fullmatch(".*".join(map(re.escape, template.split(GAP))), word) is not None


def is_part(message: list[str], template: list[str], inside: bool = False) -> bool:
    """Whether these words can stand in what a template makes: a gap holds any number of them. A
    message may begin before its template does and end after it: they are put together."""
    if not message or not template:
        return inside
    if template[0] == GAP:
        return is_part(message, template[1:], inside) or is_part(message[1:], template, inside)
    if fits(message[0], template[0]):
        return is_part(message[1:], template[1:], True)
    return False


def fixed(message: str) -> Iterator[list[str]]:
    """The pieces of a message that say the same everywhere."""
    text = re.sub(r"^(?:info|warn|error|scaffold|scaffold-port): ", "", message)
    for piece in re.split(rf"…(?:/[\w.]+:)?|FILE:LINE|FILE|CMD|{SYSTEMS}", text):
        if len(words(piece)) > 1:
            yield words(piece)


@pytest.fixture(scope="module")
def templates() -> list[list[str]]:
    texts = {text for text in said(sources()) if " " in text}
    return [words(text.replace(GAP, f" {GAP} ") if GAP in text else text) for text in texts]


def test_the_page_has_messages() -> None:
    assert len(messages()) > 120


def test_every_message_is_said(templates: list[list[str]]) -> None:
    stale = []
    for message in sorted(set(messages())):
        for piece in fixed(message):
            if not any(is_part(piece, t[at:]) for t in templates for at in range(len(t))):
                stale.append((message, " ".join(piece)))
    assert stale == []


TO_PROGRAMS = [
    *sorted((ROOT / "libscaffold/client").glob("*.c")),
    *sorted((ROOT / "libscaffold/daemon/control").glob("*.c")),
]
ELSEWHERE = ["kernel.c", "epolls.c", "why.c", *(p.name for p in TO_PROGRAMS if "log" in p.name)]
"""What stands in docs/howto/explain.md, and what is no message."""


def test_the_page_has_what_programs_are_told() -> None:
    """Whole, or with an ellipsis."""
    page = normal(PAGE.read_text("utf-8"))
    pieces = [piece for message in messages() for piece in fixed(message)]
    missing = []
    for text in set(said([p for p in TO_PROGRAMS if p.name not in ELSEWHERE])):
        fragments = [f.strip(" :;,\n") for f in normal(text).split(GAP) if len(f.split()) >= 4]
        template = words(text.replace(GAP, f" {GAP} "))
        if not all(f.removeprefix("scaffold: ") in page for f in fragments) and not any(
            is_part(piece, template[at:]) for piece in pieces for at in range(len(template))
        ):
            missing.append(text)
    assert sorted(missing) == []
