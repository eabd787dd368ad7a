"""The rules over one file of C or C++."""

import re
from typing import TYPE_CHECKING

from ..findings import Finding, NotAnalysed
from ..rules import RULES, by_name, watched
from ..rules.rule import Rule
from ..source import Source
from ..suppress import by_comment, comments
from .conditions import Conditions
from .unit import Unit, Use
from .uses import read

if TYPE_CHECKING:
    from ..analyze import FileResult

_BASES = re.compile(rb"\b(?:class|struct)\s++(\w++)\s*+(?:final\s*+)?:([^;{}()]{1,400})\{")
_BASE = re.compile(rb"(?:public|protected|private|virtual|\s)*((?:\w+::)*\w+)")


def check(source: Source, result: "FileResult") -> None:
    """Add the file's findings, and what it says of classes, to `result`."""
    if source.language == "c++" or source.path.endswith(".h"):
        result.bases |= set(_bases(source.data))
    names = watched(source.data)
    if names is None:
        return
    unit = read(as_parsed(source), names)
    result.methods |= unit.methods
    result.not_analysed += [NotAnalysed(source.path, line, why) for line, why in unit.broken]
    if not unit.uses:
        return
    conditions = Conditions(source)
    notes = comments(source.data)
    for use, rule, message in _judge_all(unit, conditions):
        finding = _finding(unit, conditions, use, rule, message)
        result.findings.append(by_comment(finding, notes) if notes else finding)
        result.in_class.append(use.scope if use.role == "call" and not use.global_scope else "")


def as_parsed(source: Source) -> Source:
    """With the language that it is parsed as: a header of C++ may be called .h."""
    if source.language == "c" and source.path.endswith(".h") and _IS_CPP.search(source.data):
        return Source(source.path, source.data, "c++")
    return source


_IS_CPP = re.compile(
    rb"^[ \t]*+(?:class\s++\w++[^;{]{0,400}\{|namespace\s++\w|template\s*+<)", re.MULTILINE
)


def _bases(data: bytes) -> list[tuple[str, str]]:
    found = []
    for one in _BASES.finditer(data):
        for base in one[2].split(b","):
            name = _BASE.match(base)
            if name:
                found.append((one[1].decode(), name[1].decode().rpartition("::")[2]))
    return found


def _judge_all(unit: Unit, conditions: Conditions) -> list[tuple[Use, Rule, str]]:
    found = []
    for use in unit.uses:
        own = _is_own(use, unit, conditions)
        for rule in by_name(use.name):
            message = rule.judge(use, unit) if rule.judge and (rule.own or not own) else None
            if message:
                found.append((use, rule, message))
    by_function: dict[str, list[Use]] = {}
    for use in unit.uses:
        if use.function and not _is_own(use, unit, conditions):
            by_function.setdefault(use.function, []).append(use)
    for group in by_function.values():
        for rule in RULES:
            if rule.judge_function:
                found += [(use, rule, message) for use, message in rule.judge_function(group)]
    return found


def _is_own(use: Use, unit: Unit, conditions: Conditions) -> bool:
    """A call of a function that the program has made itself, or of another library's."""
    if use.role in ("member", "declaration"):
        return True
    return use.role in ("call", "macro") and (
        (not use.global_scope and _is_made_here(use, unit, conditions))
        or (not use.global_scope and unit.has_variable(use))
        or _is_std_bind(use, unit)
        or _takes_nothing(use, unit)
    )


def _is_made_here(use: Use, unit: Unit, conditions: Conditions) -> bool:
    """Whether the file makes the function, or a macro, wherever this call is compiled: one that it
    makes for systems without it is libc's elsewhere."""
    here = set(conditions.around(use.start))
    places = unit.own.get(use.name, []) + unit.macros.get(use.name, [])
    made = {conditions.around(at) for at in places}
    made |= {one[:-1] for one in made if (*one[:-1], *_otherwise(one[-1:])) in made}
    return any(here.issuperset(one) for one in made)


def _otherwise(last: tuple[str, ...]) -> tuple[str, ...]:
    """The condition of #else."""
    return tuple(f"#else of {one}" for one in last if not one.startswith("#elif"))


_WITHOUT_ARGUMENTS = {"fork", "vfork"}
_NOTHING = re.compile(rb"\s*\(\s*\)")


def _takes_nothing(use: Use, unit: Unit) -> bool:
    """Whether it is called as no function of libc's with that name can be."""
    empty = _NOTHING.match(unit.source.data, use.end)
    return empty is not None and use.name not in _WITHOUT_ARGUMENTS


def _is_std_bind(use: Use, unit: Unit) -> bool:
    return (
        use.name == "bind"
        and unit.source.language == "c++"
        and bool(use.arguments)
        and (use.arguments[0].startswith(("&", "[")) or any("_1" in one for one in use.arguments))
        and len(use.arguments) != 3
    )


def _confidence(use: Use) -> str:
    if use.broken:
        return "low" if use.role != "call" else "medium"
    return "medium" if use.role == "macro" or use.value else "high"


def _finding(unit: Unit, conditions: Conditions, use: Use, rule: Rule, message: str) -> Finding:
    source = unit.source
    line, column = source.position(use.start)
    return Finding(
        rule=rule.id,
        path=source.path,
        line=line,
        column=column,
        end_column=column + use.end - use.start,
        call=use.name,
        function=use.function,
        ifdef=conditions.around(use.start),
        confidence=_confidence(use),
        kind=rule.kind,
        lines=rule.lines,
        message=message,
        text=source.text(line),
        fix=rule.fix(use, unit) if rule.fix else "",
    )
