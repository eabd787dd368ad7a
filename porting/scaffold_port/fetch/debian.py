"""Debian's source packages, through apt, without touching the machine's own configuration.

Lists and index are private ones below the target folder, made from where the machine has Debian's
packages from (sources.list, or debian.sources); apt checks them against its keys. Where a mirror
has an upstream tarball but not Debian's changes to it, the tarball is used, verified against the
.dsc.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from ..tools import absent
from .errors import NotAvailable
from .unpack import unpack, verify

PLACES = Path("/etc/apt")
_FILE = re.compile(r"^ ([0-9a-f]{64}) \d+ (\S+)$", re.MULTILINE)


def versions(package: str, folder: Path) -> list[str]:
    """Upstream's versions that are listed, the newest first."""
    return list(dict.fromkeys(_upstream(one) for one in _Apt(folder).versions(package)))


def fetch(package: str, folder: Path, version: str = "") -> Path:
    """The unpacked source below `folder`: of upstream's `version`, or of the newest that can be
    had."""
    apt = _Apt(folder)
    tried = []
    for candidate in apt.versions(package):
        if version and version != _upstream(candidate):
            continue
        try:
            return apt.source(package, candidate)
        except NotAvailable as error:
            tried.append(str(error))
    reasons = "; ".join(tried) or f"no version {version} is listed".replace("  ", " ")
    raise NotAvailable(f"Debian's source package {package}: {reasons}")


def _sources(places: Path) -> dict[str, str]:
    """Files for sources.list.d that list the sources of Debian's packages."""
    found = {}
    lines = _text(places / "sources.list")
    entries = re.findall(r"^deb(?:-src)?[ \t]+(.+)$", lines, re.MULTILINE)
    if entries:
        unique = dict.fromkeys(f"deb-src {entry.strip()}\n" for entry in entries)
        found["debian.list"] = "".join(unique)
    fields = _text(places / "sources.list.d/debian.sources")
    if fields:
        found["debian.sources"] = re.sub(
            r"^Types:.*$", "Types: deb-src", fields, flags=re.MULTILINE
        )
    return found


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _upstream(version: str) -> str:
    """Of Debian's version, without epoch and revision (Debian Policy, 5.6.12)."""
    return re.sub(r"^\d+:|-[^-]*$", "", version)


def _reason(said: str) -> str:
    """The first of apt's errors, without the way to a file: the last says that there were some."""
    errors = re.findall(r"^E: (.*)$", said, re.MULTILINE)
    return re.sub(r"https?://[^ ]*/", "", next(iter(errors), "it failed, and does not say why"))


class _Apt:
    """apt with lists of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sources = _sources(PLACES)
        if not shutil.which("apt-get") or not sources:
            raise NotAvailable(
                "Debian's source packages need apt, and its sources.list or debian.sources"
            )
        if lack := absent("dpkg-source", "dpkg-dev"):  # upstream's tarball is another source
            raise NotAvailable(f"Debian's source packages: {lack}")
        parts, lists = folder / ".apt/parts", folder / ".apt/lists"
        for path in (parts, lists / "partial"):
            path.mkdir(parents=True, exist_ok=True)
        for name, text in sources.items():
            (parts / name).write_text(text)
        options = {
            "Dir::Etc::sourceparts": parts,
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::State::lists": lists,
            "APT::Sandbox::User": "root",
        }
        self.options = [
            word for name, value in options.items() for word in ("-o", f"{name}={value}")
        ]
        done = self._run("apt-get", "-qq", "update")
        if done.returncode != 0:
            raise NotAvailable(f"apt-get update: {_reason(done.stderr)}")

    def _run(self, command: str, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [command, *self.options, *words],
            cwd=self.folder,
            env=os.environ | {"LC_ALL": "C"},
            capture_output=True,
            text=True,
        )

    def versions(self, package: str) -> list[str]:
        """Every version that is listed, the newest first."""
        done = self._run("apt-cache", "showsrc", package)
        found = re.findall(r"^Version: (\S+)$", done.stdout, re.MULTILINE)
        return list(dict.fromkeys(found))

    def source(self, package: str, version: str) -> Path:
        """This version, unpacked: Debian's, or upstream's where only that can be had."""
        done = self._run("apt-get", "-qq", "source", "--only-source", f"{package}={version}")
        upstream = _upstream(version)
        unpacked = self.folder / f"{package}-{upstream}"
        if done.returncode == 0 and unpacked.is_dir():
            return unpacked
        plain = re.sub(r"^\d+:", "", version)
        for tarball in sorted(self.folder.glob(f"{package}_{upstream}.orig.tar.*")):
            if tarball.suffix != ".asc":
                self._check(tarball, self.folder / f"{package}_{plain}.dsc")
                return unpack(tarball, self.folder)
        raise NotAvailable(f"{version}: {_reason(done.stderr)}")

    def _check(self, tarball: Path, dsc: Path) -> None:
        if not dsc.exists():
            raise NotAvailable(f"{tarball.name}: there is no .dsc to verify it against")
        digests = {name: digest for digest, name in _FILE.findall(dsc.read_text())}
        if tarball.name not in digests:
            raise NotAvailable(f"{tarball.name}: {dsc.name} does not list it")
        verify(tarball, digests[tarball.name])
