"""What shows that a flow is not the kernel's TCP."""

import os
from pathlib import Path
from typing import Any

from ..kinds import TCP, UDP, Kind
from ..table import check

_READS = 3
"""The list may leave a socket out when others come and go while it is read."""


@check(*TCP, *UDP, rows="B9")
def listed(kind: Kind) -> Any:
    """/proc/net lists the sockets of a flow."""
    c, server = kind.pair()
    name = kind.name[:3] + ("" if kind.name.endswith("4") else "6")
    inodes: set[int] = set()
    for _ in range(_READS):
        lines = Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        inodes |= {int(line.split()[9]) for line in lines}
    return [os.fstat(s.fileno()).st_ino in inodes for s in (c, server)]
