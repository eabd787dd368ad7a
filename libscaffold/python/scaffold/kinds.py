"""Classes of sockets, each made of the class that `socket.socket` is, or of one below it.

A program, or a library, asks such a socket whether it is a `socket.socket`, wraps it, derives from
its class, and sends it to another process. So the class is derived from `socket.socket` itself,
with `Calls` in between, and what else makes classes of sockets (`ssl`, gevent) derives from both.
"""

import _socket as kernel
import operator
import os
import socket as _socket
from typing import TYPE_CHECKING, Any, ClassVar

from . import passing
from ._native import ffi, lib
from .calls import Calls
from .datagrams import DatagramCalls
from .foreign import ForeignCalls
from .loaded import when_loaded
from .names import AF_SCAFFOLD
from .once import once

_FAMILIES = (_socket.AF_INET, _socket.AF_INET6, AF_SCAFFOLD)
_ABOUT = (_socket.SO_DOMAIN, _socket.SO_TYPE, _socket.SO_PROTOCOL)
_FLAGS = _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK

if TYPE_CHECKING:
    Plain = _socket.socket
else:  # whatever a program has put in its place
    Plain = next(kind for kind in kernel.socket.__subclasses__() if kind.__module__ == "socket")


class Kind(Calls):
    """Makes objects whose class is right for their type: streams, datagrams, or none of ours.

    The constructor of a program's class has arguments of its own, so an object's type is known when
    this one is reached. Calls that its type needs go behind the program's and before `Calls`.
    """

    __slots__ = ()

    _sc_datagram_calls: ClassVar[type[Any]] = DatagramCalls

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: Any = None, *rest: Any
    ) -> None:
        if _is_descriptor(fileno):
            _meet(fileno)
        family, type, proto = _completed(family, type, proto, fileno)
        self._sc_take_class_for(family, type, proto)
        if fileno is not None or isinstance(self, ForeignCalls):
            super().__init__(family, type, proto, fileno, *rest)
            return
        made = lib.scaffold_socket(family, type | _socket.SOCK_CLOEXEC, proto)
        if made < 0:
            raise self._sc_error(ffi.errno)
        try:
            super().__init__(family, type, proto, made, *rest)
        except BaseException:
            if kernel.socket.fileno(self) < 0:  # nobody has it
                os.close(made)
            raise

    def _sc_take_class_for(self, family: Any, type: Any, proto: Any) -> None:
        numbers = all(isinstance(it, int) for it in (family, type, proto))
        kind = type & ~_FLAGS if numbers and family in _FAMILIES else None
        if kind == _socket.SOCK_DGRAM:
            self.__class__ = _with(self.__class__, self._sc_datagram_calls)
        elif kind != _socket.SOCK_STREAM and family != AF_SCAFFOLD:  # which the library refuses
            self.__class__ = _with(self.__class__, ForeignCalls)


class Accepting:
    """What classes that programs see have besides: they accept their own kind."""

    __slots__ = ()

    _sc_kind: ClassVar[type[Any]]
    """The class that `socket.socket` is for them."""

    def accept(self) -> tuple[Any, Any]:
        """Accept a flow: (socket, peer's address). Waits as the socket's timeout says."""
        plain, peer = super().accept()  # type: ignore[misc]
        timeout = plain.gettimeout()
        about = plain.family, plain.type, plain.proto
        accepted = self._sc_kind(*about, fileno=plain.detach())
        accepted.settimeout(timeout)
        return accepted, peer


@once
def adapt_gevent() -> None:
    """Have gevent know sockets of services by their descriptors."""

    def adapt(module: Any) -> None:
        from . import greenlets  # which only its users have

        greenlets.adapt(module)

    when_loaded("gevent._socket3", adapt)


@once
def kind_of(base: type[Any]) -> type[Any]:
    """The class to use where a program has `base`, which `socket.socket` is."""
    if hasattr(base, "_gevent_sock_class"):
        from . import greenlets  # which only its users have

        return greenlets.kind_of(base)
    return own_kind("socket", (Accepting, Kind, base))


def own_kind(name: str, bases: tuple[type[Any], ...], **members: Any) -> type[Any]:
    """A class that programs see, which passes through multiprocessing as `socket.socket` does."""
    made = new_class(name, bases, **members)
    made._sc_kind = made
    passing.announce(made)
    return made


def new_class(name: str, bases: tuple[type[Any], ...], **members: Any) -> type[Any]:
    """A class without a dictionary for each object, as those of Python are."""
    about = {"__slots__": (), "__module__": "scaffold.inet", "__doc__": bases[-1].__doc__}
    return type(name, bases, {**about, **members})


def derived(cls: type[Any], other: type[Any], **members: Any) -> type[Any]:
    """A class that shows itself as `cls`, with another behind it."""
    shown = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    return new_class(cls.__name__, (cls, other), **shown, **members)


@once
def _with(cls: type[Any], calls: type[Any]) -> type[Any]:
    """The class with other calls below those that it has itself, and before `Calls`."""
    for one, other in ((cls, calls), (calls, cls)):
        if issubclass(one, other):
            return one
    made = derived(cls, calls)
    if vars(cls).get("_sc_kind") is cls:
        passing.announce(made)
    return made


def _completed(family: int, type: int, proto: int, fileno: Any) -> tuple[int, int, int]:
    """The three as `socket.socket` completes them; of a service's descriptor, those of IP."""
    given = [operator.index(it) if hasattr(it, "__index__") else it for it in (family, type, proto)]
    if fileno is None:
        default = [_socket.AF_INET, _socket.SOCK_STREAM, 0]
    else:
        pairs = zip(given, _ABOUT, strict=True)
        default = [_asked(fileno, about) if it == -1 else it for it, about in pairs]
    one, two, three = (its if it == -1 else it for it, its in zip(given, default, strict=True))
    return one, two, three


def is_of_service(fileno: Any) -> bool:
    """Whether a descriptor is a service's: AF_UNIX to the kernel, and IP to the library."""
    if not _is_descriptor(fileno):
        return False
    probe = kernel.socket(fileno=fileno)
    family = probe.family
    probe.detach()
    if family != _socket.AF_UNIX:
        return False
    _meet(fileno)
    return _asked(fileno, _socket.SO_DOMAIN) in _FAMILIES


def _is_descriptor(fileno: Any) -> bool:
    return isinstance(fileno, int) and 0 <= fileno < 1 << 31


def _meet(fileno: int) -> None:
    """Tell the library of a descriptor that came by itself: what it remembers of the number is of
    another, and it may be the first of a service here."""
    lib.sc_note_passed(fileno)
    if _asked(fileno, _socket.SO_DOMAIN) == _socket.AF_UNIX:
        lib.sc_note_service_socket()


def _asked(fileno: Any, option: int) -> int:
    """-1 of what is no socket, for `socket.socket` to refuse."""
    value = ffi.new("int *", -1)
    length = ffi.new("socklen_t *", ffi.sizeof("int"))
    if _is_descriptor(fileno):
        lib.scaffold_getsockopt(fileno, _socket.SOL_SOCKET, option, value, length)
    return int(value[0])
