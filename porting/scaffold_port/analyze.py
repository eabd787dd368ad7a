"""Runs the rules over files, with all cores, and puts the report together."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path

from .cache import Cache
from .files import collect
from .findings import Finding, NotAnalysed, Report
from .scope import left_alone
from .source import Source

SIZE_MAX = 16 << 20
"""Larger files are data or generated; the largest source of a known program has 1 MiB."""

CHUNK = 16
_CHECKS = {"c": ".c.check", "c++": ".c.check", "python": ".py.check"}


@dataclass
class FileResult:
    """Of one file. `methods` and `bases` are what other files need to know of its classes."""

    path: str
    language: str
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    not_analysed: list[NotAnalysed] = field(default_factory=list)
    methods: set[tuple[str, str]] = field(default_factory=set)
    bases: set[tuple[str, str]] = field(default_factory=set)
    in_class: list[str] = field(default_factory=list)  # beside each finding: its class, or ""


def analyze(
    paths: Iterable[Path],
    *,
    jobs: int | None = None,
    cache: Cache | None = None,
    on_file: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Look at everything below `paths`. `on_file` is told how many of how many are done."""
    paths = list(paths)
    files = collect(paths)
    report = Report(skipped=files.skipped, not_analysed=list(files.unreadable))
    results = []
    for result in _each(files.wanted, jobs or os.cpu_count() or 1, cache):
        results.append(result)
        on_file(len(results), len(files.wanted))
    _merge(results, report, paths)
    return report


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
    if len(data) > SIZE_MAX:
        reason = f"larger than {SIZE_MAX >> 20} MiB"
        result.not_analysed.append(NotAnalysed(path, 0, reason))
        return result
    kept = cache.get(data, path, language) if cache else None
    if isinstance(kept, FileResult):
        return kept
    try:
        _check(language)(Source(path, data, language), result)
    except Exception as error:  # one file's trouble is not the others'
        result.not_analysed.append(NotAnalysed(path, 0, f"the analysis failed: {error}"[:200]))
        return result
    if cache:
        cache.put(data, path, language, result)
    return result


def _check(language: str) -> Callable[[Source, FileResult], None]:
    """Imported when it is needed: most programs need one language's grammar."""
    check: Callable[[Source, FileResult], None]
    check = import_module(_CHECKS[language], __package__).check
    return check


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(SIZE_MAX + 1)


def _merge(results: list[FileResult], report: Report, roots: list[Path]) -> None:
    methods = set().union(*(result.methods for result in results)) if results else set()
    bases: dict[str, set[str]] = {}
    for result in results:
        for child, base in result.bases:
            bases.setdefault(child, set()).add(base)
    for result in results:
        report.files += 1
        report.bytes += result.bytes
        report.languages[result.language] = report.languages.get(result.language, 0) + 1
        report.not_analysed += result.not_analysed
        for finding, scope in zip(result.findings, result.in_class, strict=True):
            if not scope or not _has_method(scope, finding.call, methods, bases):
                left = left_alone(_below(Path(finding.path), roots), finding.ifdef)
                report.findings.append(replace(finding, left=left) if left else finding)
    report.findings.sort(key=lambda one: (one.path, one.line, one.column, one.rule))


def _below(path: Path, roots: list[Path]) -> Path:
    """The path as seen from what was given; above that, folders say nothing of the program."""
    for root in roots:
        if path != root and path.is_relative_to(root):
            return path.relative_to(root)
    return Path(path.name)


def _has_method(
    scope: str, name: str, methods: set[tuple[str, str]], bases: dict[str, set[str]]
) -> bool:
    """Whether an unqualified call inside this class is of the class's own method."""
    open_, seen = [scope], set()
    while open_:
        one = open_.pop()
        if one in seen:
            continue
        seen.add(one)
        if (one, name) in methods:
            return True
        open_ += bases.get(one, ())
    return False
