"""Archives, checked before they are opened."""

import hashlib
import tarfile
from pathlib import Path

from .errors import NotAvailable


def verify(path: Path, sha256: str) -> None:
    """Raise NotAvailable unless the file has this digest."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise NotAvailable(f"{path.name}: its SHA-256 is {digest}, not {sha256}")


def unpack(archive: Path, folder: Path) -> Path:
    """The one folder that the archive holds, below `folder`; nothing leaves it (PEP 706)."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
            tops = {Path(name).parts[0] for name in tar.getnames() if name not in (".", "./")}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise NotAvailable(f"{archive.name}: {error}") from error
    if len(tops) != 1:
        raise NotAvailable(f"{archive.name}: {len(tops)} folders instead of one")
    return folder / tops.pop()
