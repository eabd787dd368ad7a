"""asyncio's event loops, which make their own sockets and look names up by themselves.

They do so by what `socket` stands for in the module of their common base. A stand-in there gives
all of their methods services, with asyncio's own code for lists of hosts, happy eyeballs and
datagrams. Loops that are not written in Python (uvloop's) have nothing of it.
"""

import socket as _socket
from typing import Any

from .loaded import when_loaded


def adapt_loops(stand_in: Any) -> None:
    """Have loops use what stands in for the module `socket`, as soon as there are any."""

    def adapt(base_events: Any) -> None:
        base_events.socket = _ForLoops(stand_in)

    when_loaded("asyncio.base_events", adapt)


class _ForLoops:
    """The stand-in, but for `inet_pton`: loops ask it whether a host need not be looked up, and do
    not go on before it answers."""

    inet_pton = staticmethod(_socket.inet_pton)

    def __init__(self, stand_in: Any) -> None:
        self._stand_in = stand_in

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stand_in, name)
