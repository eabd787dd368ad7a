"""Runs the rules over files, with all cores, and puts the report together."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from itertools import chain, repeat
from pathlib import Path

from .cache import Cache
from .declared import PLAIN, Declared, Place, Run
from .files import EVERYTHING, Choice, Files, collect
from .findings import Finding, NotAnalysed, Report, undecided
from .languages import included
from .scope import beside, left_alone
from .source import Source, wide

SIZE_MAX = 16 << 20
"""Larger files are data or generated; the largest source of a known program has 1 MiB."""

CHUNK = 16
_CHECKS = {"c": ".c.check", "c++": ".c.check", "python": ".py.check"}


@dataclass
class FileResult:
    """Of one file. `declared` is what other files need to know of it, `includes` are names of files
    that nothing else tells to be C."""

    path: str
    language: str
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    not_analysed: list[NotAnalysed] = field(default_factory=list)
    includes: set[str] = field(default_factory=set)
    declared: Declared = field(default_factory=Declared)
    places: list[Place] = field(default_factory=list)  # of the findings, where it matters


def analyze(
    paths: Iterable[Path],
    *,
    choice: Choice = EVERYTHING,
    jobs: int | None = None,
    cache: Cache | None = None,
    on_file: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Look at everything below `paths`. `on_file` is told how many of how many are done."""
    paths = list(paths)
    files = collect(paths, choice)
    names = tuple(map(str, paths))
    report = Report(names, skipped=files.skipped, not_analysed=list(files.unreadable))
    results = []
    for result in _all(files, jobs or os.cpu_count() or 1, cache):
        results.append(result)
        on_file(len(results), len(files.wanted))
    _merge(results, report, paths)
    return report


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
    done = 0
    with ProcessPoolExecutor(max_workers=max(1, min(jobs, len(words)))) as pool:
        try:
            for result in pool.map(work, words, chunksize=CHUNK):
                yield result
                done += 1
        except BrokenProcessPool:  # a parser crashed, and took its process along
            pass
    for one in words[done:]:
        yield _alone(work, one)


def _alone(work: Callable[[tuple[str, str]], FileResult], words: tuple[str, str]) -> FileResult:
    """A file in a process of its own: its crash is its own, too."""
    with ProcessPoolExecutor(max_workers=1) as pool:
        try:
            return pool.submit(work, words).result()
        except BrokenProcessPool:
            result = FileResult(*words)
            result.not_analysed.append(NotAnalysed(words[0], 0, "the parser crashed"))
            return result


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
    kept = cache.get(data, path, language) if cache else None
    if isinstance(kept, FileResult):
        return kept
    try:
        result.includes = included(data) if language != "python" else set()
        _check(language)(Source(path, data, language), result)
    except Exception as error:  # one file's trouble is not the others'
        result.not_analysed.append(NotAnalysed(path, 0, f"the analysis failed: {error}"[:200]))
        return result
    if cache:
        cache.put(data, path, language, result)
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


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(SIZE_MAX + 1)


def _merge(results: list[FileResult], report: Report, roots: list[Path]) -> None:
    run = Run(_declared(result, roots) for result in results)
    for result in results:
        report.files += 1
        report.bytes += result.bytes
        report.languages[result.language] = report.languages.get(result.language, 0) + 1
        report.not_analysed += result.not_analysed
        places = chain(result.places, repeat(PLAIN))
        for finding, place in zip(result.findings, places, strict=False):
            if not run.hides(finding.call, place):
                doubt = run.doubt(finding.call, place)
                finding = undecided(finding, doubt, asked=not place.given_to)
                report.findings.append(_settled(finding, roots))
    report.findings.sort(key=lambda one: (one.path, one.line, one.column, one.rule))


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


def _settled(finding: Finding, roots: list[Path]) -> Finding:
    """As the whole run has it: with the reason why it stays as it is, where there is one."""
    path = _below(Path(finding.path), roots)
    left = left_alone(path, finding.ifdef)
    if left:
        finding = replace(finding, left=left)
    elif finding.question and beside(path):
        finding = replace(finding, question="", left="" if finding.fix else beside(path))
    return _as_context(finding) if finding.group == "context" else finding


def _as_context(finding: Finding) -> Finding:
    """Nobody has to do anything there."""
    return replace(finding, confidence="low", lines=0)
