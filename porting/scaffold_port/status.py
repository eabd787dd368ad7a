"""Whether a port still fits newer versions of its program, and how to bring it there."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .analyze import analyze
from .change.diff import unified
from .compare import Difference, Hunk, compare, hunks
from .fetch.errors import NotAvailable
from .layers import layers
from .ported import Changes, DoesNotApply, port
from .ports import Origin, Port


@dataclass
class Newer:
    """A version that came after the tracked one."""

    version: str
    rules: Difference
    patches: dict[str, str] = field(default_factory=dict)  # by name: why it does not apply, or ""

    @property
    def applies(self) -> bool:
        """Every change of the tracked version has its place here."""
        return self.rules.applies and not any(self.patches.values())

    def to_json(self) -> dict[str, Any]:
        """As docs/schemas/port-status.schema.json says."""
        return {
            "version": self.version,
            "applies": self.applies,
            "same": self.rules.same,
            "gone": [_hunk(one) for one in self.rules.gone],
            "new": [_hunk(one) for one in self.rules.new],
            "patches": {name: why or None for name, why in self.patches.items()},
        }


def _hunk(hunk: Hunk) -> dict[str, Any]:
    removed, added = (
        [line.decode("utf-8", "replace") for line in lines] for lines in (hunk.removed, hunk.added)
    )
    return {"path": hunk.path, "removed": removed, "added": added}


@dataclass
class Status:
    """Of one source."""

    package: str
    tracked: str
    newest: str
    newer: list[Newer] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # by version: why it cannot be had

    @property
    def applies(self) -> bool:
        """To every newer version that is listed."""
        return not self.missing and all(one.applies for one in self.newer)

    def to_json(self) -> dict[str, Any]:
        """As docs/schemas/port-status.schema.json says."""
        return {
            "package": self.package,
            "tracked": self.tracked,
            "newest": self.newest,
            "newer": [one.to_json() for one in self.newer],
            "missing": self.missing,
        }


def status(program: Port, folder: Path) -> list[Status]:
    """Of every source, against each version that is newer than the tracked one. Raises
    NotAvailable."""
    return [_status(program, origin, folder) for origin in program.sources]


def _status(program: Port, origin: Origin, folder: Path) -> Status:
    listed = origin.versions(folder)
    tracked = origin.version or listed[0]
    about = Status(origin.package, tracked, listed[0])
    later = listed[: listed.index(tracked)] if tracked in listed else listed
    if not later:
        return about
    old = _fetch(origin, tracked, folder, about)
    for version in later if old else []:
        source = _fetch(origin, version, folder, about)
        if old and source:
            newer = Newer(version, compare(_hunks(origin, old), _hunks(origin, source)))
            newer.patches = _try_patches(program, origin, source)
            about.newer.append(newer)
    return about


def _fetch(origin: Origin, version: str, folder: Path, about: Status) -> Path | None:
    """The source; None where it cannot be had, and `about` says why."""
    try:
        return origin.at(version).fetch(folder)
    except NotAvailable as error:
        about.missing[version] = str(error)
        return None


def _hunks(origin: Origin, source: Path) -> list[Hunk]:
    paths = [source / path for path in origin.paths if (source / path).exists()]
    patches = layers(source, "native", analyze(paths)).patches
    return [hunk for patch in patches for hunk in hunks(patch.files)]


def _try_patches(program: Port, origin: Origin, source: Path) -> dict[str, str]:
    """Each on top of those before it."""
    every = program.changes_of(origin)
    kept = replace(every, patches=(), before=())
    tried = {}
    for patch in (*every.before, *every.patches):
        more = _with(kept, patch, every)
        try:
            with _ported(source, "native", more):
                kept = more
                tried[patch.name] = ""
        except DoesNotApply as error:
            tried[patch.name] = str(error)
    return tried


def _with(some: Changes, patch: Path, every: Changes) -> Changes:
    """One patch more, where it belongs."""
    if patch in every.before:
        return replace(some, before=(*some.before, patch))
    return replace(some, patches=(*some.patches, patch))


@contextmanager
def _ported(source: Path, level: str, changes: Changes) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="scaffold-port-"))
    try:
        yield port(source, folder / source.name, level, changes).tree
    finally:
        shutil.rmtree(folder)


# --- refresh --------------------------------------------------------------------------------------


@dataclass
class Refreshed:
    """What was done to a port."""

    versions: dict[str, tuple[str, str]] = field(default_factory=dict)  # by package: before, after
    patches: list[str] = field(default_factory=list)  # those whose lines moved

    def lines(self) -> list[str]:
        """For a human."""
        pinned = [
            f"{package}: {before or 'not pinned'} -> {after}"
            for package, (before, after) in self.versions.items()
        ]
        return [*pinned, *(f"{name}: its lines moved" for name in self.patches)]

    def to_json(self) -> dict[str, Any]:
        """As docs/schemas/port-refresh.schema.json says."""
        sources = [
            {"package": package, "before": before or None, "after": after}
            for package, (before, after) in self.versions.items()
        ]
        return {"sources": sources, "patches": self.patches}


def refresh(program: Port, toml: Path, folder: Path) -> Refreshed:
    """Bring the port to the newest versions: patches are made again where their lines moved, and
    port.toml names what is tracked.

    Raises DoesNotApply, and changes nothing, when a patch has no place; and NotAvailable.
    """
    done = Refreshed()
    renewed: dict[Path, bytes] = {}
    text = toml.read_text()
    for origin in program.sources:
        source = origin.at("").fetch(folder)
        newest = origin.version_of(source)
        renewed |= _renew(program, origin, source)
        text = _pin(text, origin.package, newest)
        done.versions[origin.package] = (origin.version, newest)
    for path, content in renewed.items():
        if content != path.read_bytes():
            path.write_bytes(content)
            done.patches.append(path.name)
    toml.write_text(text)
    return done


def _renew(program: Port, origin: Origin, source: Path) -> dict[Path, bytes]:
    """The patches as they are against this source; each is what it adds to those before it."""
    every = program.changes_of(origin)
    kept = replace(every, patches=(), before=())
    renewed = {}
    for patch in (*every.before, *every.patches):
        level = "relink" if patch in every.before else "native"
        more = _with(kept, patch, every)
        with _ported(source, level, kept) as before, _ported(source, level, more) as after:
            renewed[patch] = _again(patch.read_bytes(), before, after)
        kept = more
    return renewed


def _again(patch: bytes, before: Path, after: Path) -> bytes:
    """The patch's own words, and what it changes between two trees."""
    names = [name.decode() for name in _CHANGED.findall(patch)]
    diffs = [unified(name, _content(before / name), _content(after / name)) for name in names]
    return _head(patch) + b"".join(diffs)


_CHANGED = re.compile(rb"^\+\+\+ [^/\n]*/([^\t\n]+)", re.MULTILINE)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _head(patch: bytes) -> bytes:
    """What stands above the first file: the patch's own words."""
    start = re.search(rb"^--- \S", patch, re.MULTILINE)
    return patch[: start.start()] if start else b""


_SOURCE = re.compile(r"^\[\[source\]\]\n(?:[^\[\n].*\n|\n)*", re.MULTILINE)
_VERSION = re.compile(r"^version = .*$", re.MULTILINE)


def _pin(text: str, package: str, version: str) -> str:
    """port.toml with this version in the source of that package; the rest stays as it is."""
    line = f'version = "{version}"'

    def pinned(found: re.Match[str]) -> str:
        part = found[0]
        if f'package = "{package}"' not in part:
            return part
        if _VERSION.search(part):
            return _VERSION.sub(line, part)
        return re.sub(r"^(package = .*)$", rf"\1\n{line}", part, flags=re.MULTILINE)

    return _SOURCE.sub(pinned, text)
