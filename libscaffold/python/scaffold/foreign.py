"""Calls of sockets of families and types that services do not have."""

import _socket as kernel
from typing import Any

from .calls import Calls


class ForeignCalls(Calls):
    """To stand before a class of sockets that is made of `Calls`, whose calls are then those that
    it has without."""

    __slots__ = ()


class _Below:
    """A call as it is below `Calls`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, one: Any, kind: Any) -> Any:
        return getattr(super(Calls, kind if one is None else one), self._name)


for _name in [name for name in vars(Calls) if not name.startswith("__")]:
    if hasattr(kernel.socket, _name):
        setattr(ForeignCalls, _name, _Below(_name))
