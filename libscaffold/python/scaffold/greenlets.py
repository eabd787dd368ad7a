"""Sockets under gevent, whose class has no descriptor but holds a socket that has one.

gevent waits by itself and calls the socket that it holds only when that need not wait. So `Calls`
go into the class of that one, and what gevent's own class does stays as it is.
"""

import socket as _socket
import sys
import weakref
from typing import Any

from . import kinds, names
from .foreign import ForeignCalls
from .once import once


class Connecting:
    """gevent resolves a name before it connects, and does not know services; what befalls one it
    says in its own words."""

    __slots__ = ()

    def _internal_connect(self, address: Any) -> Any:
        held = self._sock  # type: ignore[attr-defined]
        connect = super()._internal_connect  # type: ignore[misc]
        if isinstance(held, ForeignCalls):
            return connect(address)
        try:
            return connect(names.pooled(address, held.family))
        except _socket.gaierror:
            raise
        except OSError as error:
            if error.errno is None:
                raise
            raise held._sc_error(error.errno, address) from None


def adapt(module: Any) -> None:
    """Have gevent's own objects, such as those that its servers make of what they accept, hold
    sockets of ours where the descriptor is of a service. `module`: gevent._socket3."""
    module.socket._gevent_sock_class = _chooser(module.socket._gevent_sock_class)


def _chooser(plain: type[Any]) -> type[Any]:
    class Chosen(plain):  # type: ignore[misc]
        __slots__ = ()

        def __new__(cls, *about: Any) -> Any:
            ours = cls is Chosen and len(about) > 3 and kinds.is_of_service(about[3])
            return super().__new__(_held(Chosen) if ours else cls)

    return Chosen


def own_kind_of(sock: Any) -> Any:
    """The class of ours for an object of gevent's that holds a socket of ours; None for others."""
    if not isinstance(getattr(sock, "_sock", None), kinds.Kind):
        return None
    gevents: Any = type(sock)
    return kinds.kind_of(gevents)


def kind_of(base: type[Any]) -> type[Any]:
    """The class to use where a program has gevent's."""
    held = _held(base._gevent_sock_class)
    bases = (kinds.Accepting, Connecting, base)
    return kinds.own_kind("socket", bases, _gevent_sock_class=held)


def members_of_tls() -> dict[str, Any]:
    """What a class of gevent's TLS sockets of ours has besides."""
    held = _held(sys.modules["gevent.ssl"]._contextawaresock)

    def _gevent_sock_class(self: Any, family: int, type: int, proto: int, fileno: Any) -> Any:
        return held(family, type, proto, fileno, weakref.ref(self))

    return {"_gevent_sock_class": _gevent_sock_class}


@once
def _held(base: type[Any]) -> type[Any]:
    return kinds.new_class("socket", (kinds.Kind, base))
