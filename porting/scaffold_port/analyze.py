"""Runs the rules over files, with all cores, and puts the report together."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from itertools import chain, repeat
from pathlib import Path

from .asking import asked
from .cache import Cache
from .compiled.database import Database
from .compiled.unit import Asked
from .compiled.view import View, view
from .compiled.view import asked as asked_of_compiler
from .declared import PLAIN, Declared, Place, Run
from .files import EVERYTHING, Choice, Files, collect
from .findings import Finding, NotAnalysed, Report, undecided
from .languages import included, made_from
from .networks import NETWORK
from .processes import each
from .scope import left_alone
from .source import Source, wide
from .subjects import SUBJECTS, Mentions, mentions

SIZE_MAX = 16 << 20
"""Larger files are data or generated; the largest source of a known program has 1 MiB."""

CHUNK = 16
_CHECKS = {"c": ".c.check", "c++": ".c.check", "python": ".py.check"}


@dataclass
class FileResult:
    """Of one file. `declared` is what other files need to know of it, `includes` are the names of
    those that it includes."""

    path: str
    language: str
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    not_analysed: list[NotAnalysed] = field(default_factory=list)
    includes: set[str] = field(default_factory=set)
    declared: Declared = field(default_factory=Declared)
    places: list[Place] = field(default_factory=list)  # of the findings, where it matters
    mentions: Mentions = field(default_factory=dict)  # of what the file is about
    made_from: str = ""  # the grammar that it says it was made from


def analyze(
    paths: Iterable[Path],
    *,
    choice: Choice = EVERYTHING,
    jobs: int | None = None,
    cache: Cache | None = None,
    database: Database | None = None,
    on_file: Callable[[int, int], None] = lambda done, total: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Report:
    """Look at everything below `paths`; with a database a compiler does, too. `on_file` is told how
    many of how many files or units are done, `on_note` what the compiler cannot read."""
    paths = list(paths)
    files = collect(paths, choice)
    names = tuple(map(str, paths))
    report = Report(names, skipped=files.skipped, not_analysed=list(files.unreadable))
    jobs = jobs or os.cpu_count() or 1
    results = []
    for result in _all(files, jobs, cache):
        results.append(result)
        on_file(len(results), len(files.wanted))
    compiled = View()
    places, includes = _of_c(results)
    if database and places:
        compiled = view(database, places, includes, jobs=jobs, kept=cache, on_unit=on_file)
        for note in compiled.notes(database.path):
            on_note(note)
    _merge(results, report, paths, compiled)
    return report


def _of_c(results: list[FileResult]) -> tuple[Asked, dict[str, set[str]]]:
    """The places that a compiler is asked for, and what each file includes, by names."""
    names: dict[str, set[str]] = {}
    for result in results:
        names.setdefault(Path(result.path).name, set()).update(result.includes)
    of_c = (_with_places(result) for result in results if result.language != "python")
    return asked_of_compiler(chain.from_iterable(of_c)), names


def _all(files: Files, jobs: int, cache: Cache | None) -> Iterable[FileResult]:
    """Also of what has a name that tells nothing, and is included by one of the files."""
    wanted = files.wanted
    while wanted:
        languages: dict[str, str] = {}
        for result in _each(wanted, jobs, cache):
            yield result
            languages |= dict.fromkeys(result.includes, result.language)
        wanted = files.take(languages)


def _each(wanted: list[tuple[Path, str]], jobs: int, cache: Cache | None) -> Iterable[FileResult]:
    work = partial(analyze_file, cache=cache)
    words = [(str(path), language) for path, language in wanted]
    if jobs == 1:
        yield from map(work, words)
        return
    yield from each(work, words, jobs, _crashed, CHUNK)


def _crashed(words: tuple[str, str]) -> FileResult:
    return FileResult(*words, not_analysed=[NotAnalysed(words[0], 0, "the parser crashed")])


def analyze_file(words: tuple[str, str], cache: Cache | None = None) -> FileResult:
    """Of a path and its language; never raises for what is in the file."""
    path, language = words
    result = FileResult(path, language)
    try:
        data = _read(path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        result.not_analysed.append(NotAnalysed(path, 0, reason))
        return result
    result.bytes = len(data)
    reason = _unfit(data)
    if reason:
        result.not_analysed.append(NotAnalysed(path, 0, reason))
        return result
    key = (language.encode(), os.fsencode(path), data)
    kept = cache.get(*key) if cache else None
    if isinstance(kept, FileResult):
        return kept
    try:
        result.includes = included(data) if language != "python" else set()
        with _without_collector():
            _check(language)(Source(path, data, language), result)
        if result.findings:
            result.mentions = mentions(data, (*SUBJECTS, NETWORK))
            result.made_from = made_from(data) if language != "python" else ""
    except Exception as error:  # one file's trouble is not the others'
        result.not_analysed.append(NotAnalysed(path, 0, f"the analysis failed: {error}"[:200]))
        return result
    if cache:
        cache.put(result, *key)
    return result


def _unfit(data: bytes) -> str:
    """Why a file is not looked at; empty: it is."""
    if len(data) > SIZE_MAX:
        return f"larger than {SIZE_MAX >> 20} MiB"
    encoding = wide(data)
    return f"written in {encoding}, which no rule reads: write it in UTF-8" if encoding else ""


def _check(language: str) -> Callable[[Source, FileResult], None]:
    """Imported when it is needed: most programs need one language's grammar."""
    check: Callable[[Source, FileResult], None]
    check = import_module(_CHECKS[language], __package__).check
    return check


@contextmanager
def _without_collector() -> Iterator[None]:
    """While one file is analysed: its nodes live to the end of it, and a fifth of the time would go
    into looking for others."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(SIZE_MAX + 1)


def _merge(results: list[FileResult], report: Report, roots: list[Path], compiled: View) -> None:
    run = Run(_declared(result, roots) for result in results)
    all_paths = {result.path for result in results}
    for result in results:
        report.files += 1
        report.bytes += result.bytes
        report.languages[result.language] = report.languages.get(result.language, 0) + 1
        report.not_analysed += result.not_analysed
        found = (_meant(*one, run, compiled) for one in _with_places(result))
        is_there = str(Path(result.path).parent / result.made_from) in all_paths
        report.findings += map(
            _ranked,
            asked(
                filter(None, found),
                _below(Path(result.path), roots),
                result.language,
                result.mentions,
                result.made_from if is_there else "",
            ),
        )
    report.findings.sort(key=lambda one: (one.path, one.line, one.column, one.rule))


def _meant(finding: Finding, place: Place, run: Run, compiled: View) -> Finding | None:
    """With what speaks against libc's function, where something does; None: it is another."""
    if compiled.is_libcs(finding):
        return replace(finding, confidence="high")
    if compiled.is_anothers(finding) or run.hides(finding.call, place):
        return None
    finding = undecided(finding, place.doubt, asked=place.fits)
    finding = undecided(finding, run.doubt(finding.call, place), asked=not place.given_to)
    return undecided(finding, compiled.doubt(finding), asked=True)


def _with_places(result: FileResult) -> Iterable[tuple[Finding, Place]]:
    return zip(result.findings, chain(result.places, repeat(PLAIN)), strict=False)


def _below(path: Path, roots: list[Path]) -> Path:
    """The path as seen from what was given; above that, folders say nothing of the program."""
    for root in roots:
        if path != root and path.is_relative_to(root):
            return path.relative_to(root)
    return Path(path.name)


def _declared(result: FileResult, roots: list[Path]) -> Declared:
    """Headers for other systems, and of tests, say nothing of other files."""
    if left_alone(_below(Path(result.path), roots), ()):
        return replace(result.declared, others={}, writers=frozenset())
    return result.declared


def _ranked(finding: Finding) -> Finding:
    """Nobody has to do anything about what is context."""
    return replace(finding, confidence="low", lines=0) if finding.group == "context" else finding
