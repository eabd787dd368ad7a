"""Whose a file is: above a program's folder, as in /tmp, anybody may have put one."""

import os
from pathlib import Path

ROOT = 0


def strangers(path: Path, folder: Path) -> str:
    """Why a file that was found at or above a folder is not used for what is in it; empty: it is of
    who runs this, of root, or of the folder's owner."""
    owner = path.lstat().st_uid  # of a link, who chose where it leads
    if owner in (ROOT, os.geteuid(), folder.stat().st_uid):
        return ""
    return f"{path}: it is of user {owner}, who owns nothing else here; not used"
