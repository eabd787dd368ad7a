"""Sockets that pass through multiprocessing, as `socket.socket`'s do."""

from typing import Any

from .loaded import when_loaded
from .names import AF_SCAFFOLD


def announce(kind: type[Any]) -> None:
    """Have multiprocessing send the objects of this very class."""
    when_loaded("multiprocessing.reduction", lambda reduction: reduction.register(kind, _sent))


def _sent(one: Any) -> Any:
    from multiprocessing.reduction import DupFd

    return _received, (DupFd(one.fileno()), one.family, one.type, one.proto)


def _received(handle: Any, family: int, type: int, proto: int) -> Any:
    """As the process that sent it had it; the class is that of this process."""
    from . import inet, sockets

    kind = sockets.socket if family == AF_SCAFFOLD else inet.socket
    return kind(family, type, proto, fileno=handle.detach())
