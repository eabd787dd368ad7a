"""What shows that a flow is not the kernel's TCP."""

from pathlib import Path
from typing import Any

from ..kinds import TCP, UDP, Kind
from ..table import check


@check(*TCP, *UDP, rows="B9")
def listed(kind: Kind) -> Any:
    """/proc/net lists the sockets of a flow."""
    c, server = kind.pair()
    name = kind.name[:3] + ("" if kind.name.endswith("4") else "6")
    table = Path(f"/proc/net/{name}").read_text()
    return [f":{s.getsockname()[1]:04X} " in table for s in (c, server)]
