"""The rules over one file of C or C++."""

import re
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..declared import Place
from ..findings import Finding, NotAnalysed
from ..questions import SANDBOXED
from ..rules import RULES, by_name, watched
from ..rules.libraries import OF_OBJECTS, OPENING
from ..rules.rule import Rule
from ..scope import left_alone
from ..source import Source
from ..suppress import by_comment, comments
from .classes import classes
from .conditions import Conditions
from .guard import guard_of
from .indirect import indirect
from .macro import writers
from .signature import (
    TAKES,
    WORDS,
    is_others_call,
    is_others_declaration,
    is_settled,
    may_be_more,
)
from .text import uncommented
from .unit import Unit, Use
from .uses import read
from .value import NUMBERS

if TYPE_CHECKING:
    from ..analyze import FileResult

_IS_HEADER = re.compile(r"\.(?:h\w*|H|inl|ipp|tpp)$")
_WORD = re.compile(r"\w+")
_SYSTEM = re.compile(rb"#[ \t]*+include[ \t]*+<(?:sys/socket|netdb|arpa/inet|netinet/in)\.h>")


def check(source: Source, result: "FileResult") -> None:
    """Add the file's findings, and what it declares, to `result`."""
    parsed = as_parsed(source)
    if parsed.language == "c++" or _IS_HEADER.search(source.path):
        for one in classes(parsed.data):
            result.declared.classes.add(one.name)
            result.declared.bases |= {(one.name, base) for base in one.bases}
        result.declared.makes |= result.declared.classes & OPENING.keys()
    result.not_analysed += [
        NotAnalysed(source.path, source.position(at)[0], why) for at, why in indirect(source)
    ]
    if _IS_HEADER.search(source.path):
        result.declared.writers = writers(source.data)
    names = watched(source.data)
    if names is None:
        return
    unit = read(parsed, names)
    result.declared.members |= unit.members
    result.declared.makes |= unit.own.keys() & OPENING.keys()
    result.not_analysed += [NotAnalysed(source.path, line, why) for line, why in unit.broken]
    if not unit.uses:
        return
    conditions = Conditions(source)
    if _IS_HEADER.search(source.path):
        result.declared.others |= _others(unit, conditions)
    notes = comments(source.data)
    includes = _SYSTEM.search(source.data) is not None
    for use, rule, message in _judge_all(unit, conditions):
        finding = _finding(unit, conditions, use, rule, message)
        result.findings.append(by_comment(finding, notes) if notes else finding)
        result.places.append(_place(use, unit, includes))


def _place(use: Use, unit: Unit, includes: bool) -> Place:
    plain = Place(doubt=_doubt(use, unit), fits=_looks_libcs(use))
    if use.global_scope or not (use.role == "call" or use.value):
        return plain
    return replace(
        plain,
        classes=use.around.classes,
        namespaces=use.around.namespaces,
        used=unit.using.namespaces,
        counted=use.given is not None,
        settled=is_settled(use.name, use.given),
        is_word=use.name in WORDS,
        given_to=use.passed_to if use.value else "",
        declared=includes,
    )


def _others(unit: Unit, conditions: Conditions) -> dict[str, str]:
    """What a header makes of names of libc's, for all who include it."""
    guard = guard_of(uncommented(unit.source.data)).decode()
    others = {}
    for use in unit.uses:
        if use.name not in TAKES or use.role not in ("own", "declaration") or use.scope:
            continue
        around = [one for one in conditions.around(use.start) if guard not in _WORD.findall(one)]
        if left_alone(PurePath(), tuple(around)):
            continue
        if use.macro and not around:
            others[use.name] = "a macro"
        elif use.in_file and use.seen[1]:
            others[use.name] = "a constant or a variable"
        elif use.in_file and is_others_declaration(use.name, use.takes):
            others[use.name] = "a function of its own"
    return others


def as_parsed(source: Source) -> Source:
    """With the language that it is parsed as: a header of C++ may be called .h."""
    if source.language == "c" and source.path.endswith(".h") and _IS_CPP.search(source.data):
        return Source(source.path, source.data, "c++")
    return source


_IS_CPP = re.compile(
    rb"^[ \t]*+(?:class\s++\w++[^;{]{0,400}\{|namespace\s++\w|template\s*+<)", re.MULTILINE
)


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
        return use.name not in OF_OBJECTS
    if use.role not in ("call", "macro") and not use.value:
        return False
    if use.name in WORDS and is_others_call(use.name, use.given):
        return True
    return not use.global_scope and (_is_made_here(use, unit, conditions) or unit.has_variable(use))


def _is_made_here(use: Use, unit: Unit, conditions: Conditions) -> bool:
    """Whether the file makes the function, or a macro, wherever this call is compiled: one that it
    makes for systems without it is libc's elsewhere."""
    here = set(conditions.around(use.start))
    made = {conditions.around(one.start) for one in _functions(use, unit)}
    made |= {conditions.around(at) for at in _macros(use, unit, conditions)}
    made |= {one[:-1] for one in made if (*one[:-1], *_otherwise(one[-1:])) in made}
    return any(here.issuperset(one) for one in made)


def _functions(use: Use, unit: Unit) -> list[Use]:
    """Those of the file that a call may mean: in C++ some take other things."""
    own = unit.own.get(use.name, [])
    if unit.source.language == "c" or use.given is None:
        return own
    return [one for one in own if one.takes is None or one.takes.take(use.given)]


def _macros(use: Use, unit: Unit, conditions: Conditions) -> list[int]:
    """Where macros are made that hold at a use: before it, and not ended in between. Within its own
    definition a macro does not hold (C11 6.10.3.4)."""
    here = set(conditions.around(use.start))
    ends = [at for at in unit.unmade.get(use.name, ()) if here.issuperset(conditions.around(at))]
    last = max((at for at in ends if at < use.start), default=0)
    made = [at for at in unit.macros.get(use.name, ()) if last <= at < use.start]
    return made[:-1] if use.role != "call" and use.function == use.name else made


def _otherwise(last: tuple[str, ...]) -> tuple[str, ...]:
    """The condition of #else."""
    return tuple(f"#else of {one}" for one in last if not one.startswith("#elif"))


def _doubt(use: Use, unit: Unit) -> str:
    """Why it is not known whether this is libc's, as far as the file alone says; empty: it is."""
    if use.doubt or use.global_scope or use.role not in ("call", "macro"):
        return use.doubt
    if is_others_call(use.name, use.given):
        return "it is not called as libc's function is"
    if may_be_more(use.name, use.given):
        return "a macro's name may stand for several of its arguments"
    if use.name in unit.using.names and not is_settled(use.name, use.given):
        return f"`using` shows another `{use.name}`"
    if use.name == "bind" and "std" in unit.using.namespaces and not is_settled("bind", use.given):
        return "`using namespace std` shows another `bind`"
    return ""


def _looks_libcs(use: Use) -> bool:
    """A call that fits; and not a name that a macro is given, which may be a text or a member."""
    return use.role in ("call", "macro") and not is_others_call(use.name, use.given)


def _confidence(use: Use) -> str:
    if use.broken:
        return "low" if use.role != "call" else "medium"
    return "medium" if use.role == "macro" or use.value else "high"


def _fix_and_question(use: Use, rule: Rule, unit: Unit) -> tuple[str, str]:
    """What a sandbox allows keeps its name, which is the system call's."""
    if use.value and use.passed_to == NUMBERS:
        return "", SANDBOXED
    fix = rule.fix(use, unit) if rule.fix else ""
    return fix, rule.ask(use, unit) if rule.ask else ""


def _finding(unit: Unit, conditions: Conditions, use: Use, rule: Rule, message: str) -> Finding:
    source = unit.source
    line, column = source.position(use.start)
    fix, question = _fix_and_question(use, rule, unit)
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
        fix=fix,
        question=question,
    )
