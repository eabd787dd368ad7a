"""Archives, checked before they are opened."""

import hashlib
import lzma
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path

from .errors import NotAvailable
from .extract import extract

_DAMAGE = (zlib.error, lzma.LZMAError, EOFError)
_BROKEN = (tarfile.TarError, OSError, ValueError, OverflowError, *_DAMAGE)
"""What reading an archive may end with."""


def verify(path: Path, sha256: str) -> None:
    """Raise NotAvailable unless the file has this digest."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise NotAvailable(f"{path.name}: its SHA-256 is {digest}, not {sha256}")


def unpack(archive: Path, folder: Path) -> Path:
    """The one folder that the archive holds, below `folder`.

    It takes the place of an earlier one of its name once it is whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpack-") as name:
        try:
            with tarfile.open(archive) as tar:
                extract(tar, Path(name))
                _read_on(tar)
        except _BROKEN as error:
            raise NotAvailable(f"{archive.name}: {error}") from error
        tops = list(Path(name).iterdir())
        if len(tops) != 1 or tops[0].is_symlink() or not tops[0].is_dir():
            names = ", ".join(sorted(top.name for top in tops)) or "nothing"
            raise NotAvailable(f"{archive.name}: {names} instead of one folder")
        target = folder / tops[0].name
        shutil.rmtree(target, ignore_errors=True)
        return tops[0].rename(target)


def _read_on(tar: tarfile.TarFile) -> None:
    """To the end, where the checksum of what is compressed stands."""
    while tar.fileobj and tar.fileobj.read(1 << 16):
        pass
