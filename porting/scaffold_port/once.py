"""Nobody is asked twice: what a function is asked once, and what a file is about."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath

from .findings import ASKED, Finding
from .questions import ANNOUNCED, COUNTED, LOCAL, MASKED, REVERSED, SANDBOXED
from .rules.libraries import OPENING
from .subjects import NEAR, RULES, SUBJECTS, Mentions, Subject

_CALLS = ("inet_", "get")
"""How what reads or shows an address begins."""
_OPENS = re.compile(r"(?i)connect|listen|bind|open")
"""In the name of a function that makes a socket."""
_PORT = re.compile(r"sin6?_port")
"""The port of an address; of another every program speaks, whatever it is about."""
_HEADER = re.compile(r"\.(?:h\w*|H|inl?|ipp|tpp)$")
_OF_A_FUNCTION = {COUNTED, LOCAL, REVERSED}
_OF_A_FILE = {ANNOUNCED, MASKED, *(one.question for one in SUBJECTS)} - _OF_A_FUNCTION
"""Questions about all that a file does to addresses."""


def in_functions(findings: Iterable[Finding], language: str) -> Iterator[Finding]:
    """Those of one file. A parser of C may lose the function that a place is in, where #if splits
    it; what stands in no function of Python is asked each time."""
    asked: dict[str, Finding] = {}
    function = ""
    for finding in findings:
        function = finding.function or (function if language != "python" else "")
        yield referring(finding, _matter(finding, function), asked)


def _matter(finding: Finding, function: str) -> str:
    """What is asked once: of a sandbox and of a library in the whole file, else in a function."""
    if finding.question == SANDBOXED or finding.call in OPENING:
        return finding.question
    return f"{function}: {finding.question}" if function else ""


def referring(finding: Finding, matter: str, asked: dict[str, Finding]) -> Finding:
    """With the question's line, where somebody is asked about the matter before; `asked` are the
    first of a file, by their matters. What `rewrite` does there stays as it is."""
    if not finding.question or not matter or finding.suppressed:
        return finding
    first = asked.setdefault(matter, finding)
    if first is finding:
        return finding
    return replace(finding, question="", left="" if finding.fix else where(first))


def where(first: Finding) -> str:
    """Why nobody is asked what is asked there."""
    return f"{ASKED}{first.line}"


def about_subjects(findings: Iterable[Finding], path: PurePath, said: Mentions) -> list[Finding]:
    """Those of one file, with a question for each of its subjects about which none is asked."""
    whole = list(findings)
    for subject in SUBJECTS:
        if any(one.question in subject.served for one in whole):
            continue
        telling = _most_telling(subject, whole, path, said.get(subject.question, ()))
        if telling is not None:
            whole[telling] = replace(whole[telling], question=subject.question, confidence="medium")
    return list(_referring(whole))


def _most_telling(
    subject: Subject, findings: list[Finding], path: PurePath, lines: tuple[int, ...]
) -> int | None:
    """Near to what is said of the subject, in a function that is called after it, or, where the
    file is, anywhere."""
    may_be = [at for at, one in enumerate(findings) if _may_be_asked(one)]
    near = [at for at in may_be if any(abs(findings[at].line - line) < NEAR for line in lines)]
    inside = [at for at in may_be if subject.names(findings[at].function)]
    is_named = subject.names(path.stem) and not _HEADER.search(path.name)
    handled = [at for at in may_be if _handles(findings[at])] if is_named else []
    first = near or inside or handled
    return min(first, key=lambda at: _rank(findings[at]), default=None)


def _handles(finding: Finding) -> bool:
    """Whether a function does to addresses what not every program does."""
    says_little = finding.rule == "port-logic" and not _PORT.search(finding.text)
    return not (says_little or finding.rule == "family-loop" or _OPENS.search(finding.function))


def _may_be_asked(finding: Finding) -> bool:
    """What is about an address that the program handles there, and not only declares; a port of
    /etc/services is none."""
    is_settled = finding.question or finding.left or finding.suppressed
    of_header = finding.rule == "address-size" and _HEADER.search(finding.path)
    is_listed = finding.call.startswith("getserv") or "->s_port" in finding.text
    is_group = finding.rule == "family-loop" and not finding.call.endswith("_UNSPEC")
    is_other = is_listed or is_group or "#if 0" in finding.ifdef
    return finding.rule in RULES and not (is_settled or of_header or is_other)


def _rank(finding: Finding) -> tuple[int, int]:
    """A call that reads or shows an address tells most of what it is for, a type least."""
    says_least = finding.rule in ("address-size", "family-loop")
    return (not finding.call.startswith(_CALLS)) + says_least, finding.line


def _referring(findings: list[Finding]) -> Iterator[Finding]:
    """What is context says where somebody is asked about its function, or else its file."""
    of_functions: dict[str, int] = {}
    of_lines = {one.line: one.left or where(one) for one in findings if one.call in OPENING}
    of_file = 0
    for one in findings:
        if one.group == "decide" and one.rule in RULES:
            of_functions.setdefault(one.function, one.line)
            of_file = of_file or (one.line if one.question in _OF_A_FILE else 0)
    for one in findings:
        line = (of_functions.get(one.function, 0) if one.function else 0) or of_file
        left = of_lines.get(one.line, "") or (f"{ASKED}{line}" if line else "")
        is_context = one.rule in RULES and one.group == "context" and not one.left
        yield replace(one, left=left) if is_context and left else one
