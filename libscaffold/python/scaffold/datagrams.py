"""Data calls of datagram sockets.

In front of each datagram of a service stands a head that the library takes away, so unlike a
stream's these sockets' data goes through it.
"""

import _socket as kernel
import operator
from typing import Any

from . import arguments
from .calls import Calls


class DatagramCalls(Calls):
    """To stand before a class of sockets that is made of `Calls`.

    Each datagram to a service is bound to some instance when it is sent; an answer to the address
    that `recvfrom` gave reaches the very socket that asked. A bound socket is an instance of its
    service. Datagrams hold at most 65,507 bytes; a connected socket raises NoInstance
    (ECONNREFUSED) when nobody was there for the last one.
    """

    __slots__ = ()

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send one datagram to the peer; returns its length."""
        arguments.check(kernel.AF_INET, "send", data, flags)
        return self._sc_send(data, flags)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As `send`: a datagram is sent whole or not at all."""
        arguments.check(kernel.AF_INET, "sendall", data, flags)
        self._sc_send(data, flags)

    def recv(self, *about: int) -> bytes:
        """The next datagram, cut to `bufsize` bytes."""
        arguments.check(kernel.AF_INET, "recv", *about)
        if operator.index(about[0]) == 0:
            return b""  # at once, as Python does
        return self._sc_receive(about[0], 0, *about[1:])[0]

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """The next datagram, into `buffer`; returns its length."""
        arguments.check(kernel.AF_INET, "recv_into", buffer, nbytes, flags)
        if memoryview(buffer).nbytes == 0:
            return 0
        return super().recvfrom_into(buffer, nbytes, flags)[0]
