"""Taking an archive apart, so that nothing of it gets out of its folder.

As strict as tarfile's filter "data" (PEP 706), which Python has from 3.11.4 on only; a source
package needs less than that filter lets through.
"""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath


class Refused(tarfile.TarError):
    """A member of the archive reaches outside, or is no file, folder or link."""


def extract(tar: tarfile.TarFile, folder: Path) -> None:
    """All that the archive holds, below a folder that is empty. Raises Refused, or OSError.

    Files keep their time, and of their mode what their owner may do; nobody else may write them.
    Links come last, so that nothing is written through one.
    """
    links: list[tuple[Path, str]] = []
    for member in tar:
        path = folder.joinpath(*_inside(member))
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if member.isreg():
            _write(tar, member, path)
        elif member.islnk():
            _link(member, folder, path)
        elif member.issym():
            links.append((path, _target(member)))
        else:
            raise Refused(f"{member.name} is no file, folder or link")
    for path, target in links:
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def _parts(member: tarfile.TarInfo, text: str) -> tuple[str, ...]:
    """Of a relative path. Where one is absolute, its name is enough to distrust the archive."""
    path = PurePosixPath(text)
    if path.is_absolute():
        raise Refused(f"{member.name}: {text} is an absolute path")
    return path.parts


def _inside(member: tarfile.TarInfo, text: str | None = None) -> tuple[str, ...]:
    """The parts of a path that goes down only."""
    parts = _parts(member, member.name if text is None else text)
    if ".." in parts:
        raise Refused(f"{member.name} reaches outside of the archive")
    return parts


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content = tar.extractfile(member)
    assert content is not None
    path.unlink(missing_ok=True)  # a later member of a name is the one that counts
    with content, path.open("xb") as file:
        shutil.copyfileobj(content, file)
    path.chmod(_mode(member))
    os.utime(path, (member.mtime, member.mtime))  # make goes by it


def _mode(member: tarfile.TarInfo) -> int:
    mode = member.mode & 0o755 | 0o600
    return mode if mode & 0o100 else mode & ~0o111


def _link(member: tarfile.TarInfo, folder: Path, path: Path) -> None:
    """A second name for a file of the same archive: none of links, which do not exist yet."""
    source = folder.joinpath(*_inside(member, member.linkname))
    if not source.is_file():
        raise Refused(f"{member.name}: {member.linkname} is no file of the archive before it")
    if source != path:
        path.unlink(missing_ok=True)
        path.hardlink_to(source)


def _target(member: tarfile.TarInfo) -> str:
    """Where a symbolic link may lead: first up, then down, and never above the top.

    It stands in a real folder, so every step up is to the folder that its name says. Steps up after
    steps down could start in a folder that another link leads to.
    """
    parts = _parts(member, member.linkname)
    depth = len(_inside(member)) - 1
    up = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    if up > depth or ".." in parts[up:]:
        raise Refused(f"{member.name}: {member.linkname} leads outside of the archive")
    return member.linkname
