"""Every name of a call in the nineteen programs is found, or listed as not analysed, or another
function's that somebody has looked at (recall.toml)."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from porting import lexer, tokens
from scaffold_port.analyze import analyze
from scaffold_port.files import collect
from scaffold_port.findings import Report
from scaffold_port.languages import included
from verify import strangers

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

DECIDED = tomllib.loads(Path(__file__).with_name("recall.toml").read_text())
NAMES = frozenset(
    b"""
    accept accept4 bind bindresvport connect getaddrinfo getaddrinfo_a gethostbyaddr
    gethostbyaddr_r gethostbyname gethostbyname2 gethostbyname2_r gethostbyname_r getnameinfo
    getpeername getsockname getsockopt inet_addr inet_aton inet_ntoa inet_ntop inet_pton listen
    rcmd rcmd_af recvfrom recvmmsg recvmsg rexec rexec_af rresvport rresvport_af sendmmsg sendmsg
    sendto setsockopt shutdown socket
    """.split()
)
CALLS = re.compile(rb"\b(?:%s)[ \t]*\(" % b"|".join(sorted(NAMES)))
LOCAL = re.compile(
    rb"socket\s*\(\s*[AP]F_(?:UNIX|LOCAL|NETLINK|PACKET|ROUTE|XDP|SYSTEM)\b"
)  # never a service's
HIDDEN = re.compile(
    rb"""\b(?:SYS|__NR)_(?:%(name)s|socketcall)\b
    | (?:dlv?sym|GetProcAddress|asm\w*)\s*\([^;]{0,120}"(?:%(name)s)"
    | \bsyscall\s*\(\s*(?:/\*[^*]*\*/\s*)?\d
    """
    % {b"name": b"|".join(sorted(NAMES))},
    re.VERBOSE,
)
"""Calls that no name shows; not in lines of the preprocessor, which ask for a number or make it."""
OTHERS = {"member", "scoped", "made", "local", "class"}
"""Forms that say by themselves that it is none of libc's calls, or one that needs nothing."""
SOURCE = re.compile(
    r"\.(?:c|h|y|l|lex|i|rl|re|xs|inc|def|inl|ipp|tpp|tcc|py|pyi|pyw|pyx|(?:cc|cpp|cxx|hh|hpp|hxx))"
    r"(?:\.\w+)?$",
    re.IGNORECASE,
)
"""Whatever may hold C, C++ or Python, by a suffix or the one before the last."""

Place = tuple[str, str, str]
"""(path, form, name)"""


@pytest.fixture(scope="module", params=strangers.PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tree(program: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return strangers.fetch(program, tmp_path_factory.mktemp("strangers"))


class Seen:
    """What a report says about places."""

    def __init__(self, report: Report) -> None:
        self._exact = {(one.path, one.line, one.column) for one in report.findings}
        self._lines = {(one.path, one.line) for one in report.findings}
        self._listed = {(one.path, one.line) for one in report.not_analysed}
        self._whole = {
            one.path for one in report.not_analysed if not one.line or "Python" in one.reason
        }

    def where(self, path: Path, line: int, column: int = 0) -> str:
        """Found, listed or silent; without a column anything on the line is it."""
        key = str(path), line
        if (*key, column) in self._exact if column else key in self._lines:
            return "found"
        return "listed" if key in self._listed or str(path) in self._whole else "silent"


def places(path: Path, language: str, seen: Seen) -> Iterator[tuple[str, str, str]]:
    """(what the report says, form, name) of every name in a file."""
    data = path.read_bytes()
    if language == "python":
        yield from _of_python(path, data, seen)
        return
    for one in lexer.words(data, NAMES):
        line = data.count(b"\n", 0, one.start) + 1
        column = one.start - data.rfind(b"\n", 0, one.start)
        form = "local" if LOCAL.match(data, one.start) else one.form
        yield seen.where(path, line, column), form, one.name.decode()
    for found in HIDDEN.finditer(data):
        begins = data.rfind(b"\n", 0, found.start()) + 1
        if not data[begins : found.start()].lstrip().startswith(b"#"):
            line = data.count(b"\n", 0, found.start()) + 1
            yield seen.where(path, line), "hidden", found[0].decode()


def _of_python(path: Path, data: bytes, seen: Seen) -> Iterator[tuple[str, str, str]]:
    if seen.where(path, 0) == "listed":
        return
    for one in tokens.words(data):
        yield seen.where(path, one.line), one.form, one.name


def decided(program: str) -> Counter[Place]:
    """What recall.toml has."""
    entries = DECIDED.get(program, {}).get("others", [])
    return Counter(
        {
            (one["path"], one["form"], name): times
            for one in entries
            for name, times in one["times"].items()
        }
    )


def test_no_call_is_silent(program: str, tree: Path, figures: dict[str, float]) -> None:
    seen = Seen(analyze([tree]))
    says: Counter[str] = Counter()
    silent: Counter[Place] = Counter()
    for path, language in collect([tree]).wanted:
        for state, form, name in places(path, language, seen):
            if state == "silent" and form not in OTHERS:
                silent[str(path.relative_to(tree)), form, name] += 1
            says["others" if state == "silent" else state] += 1
    figures.update(says)
    assert silent == decided(program)


def test_no_source_is_passed_over(program: str, tree: Path) -> None:
    """Files with such calls that may be source are analysed, but for those that are known."""
    wanted = collect([tree]).wanted
    names = {name for path, _ in wanted for name in included(path.read_bytes())}
    analysed = {path for path, _ in wanted}
    missed = {
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if path not in analysed
        and path.name not in names
        and SOURCE.search(path.name)
        and path.is_file()
        and not path.is_symlink()
        and ".pc" not in path.parts
        and CALLS.search(path.read_bytes())
    }
    assert missed == {one["path"] for one in DECIDED.get(program, {}).get("files", [])}
