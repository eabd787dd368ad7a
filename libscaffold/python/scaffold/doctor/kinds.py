"""The kinds of sockets that checks are made for."""

import socket
from dataclasses import dataclass
from socket import socket as Socket
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A protocol in one of the shapes that its addresses have."""

    name: str
    type: int
    family: int
    host: str
    """The loopback address as programs of this kind write it."""
    any: str
    """The wildcard."""

    def socket(self) -> Socket:
        """A socket of this kind that nothing was done to."""
        s = Socket(self.family, self.type)
        if self.family == socket.AF_INET6:
            only = int(self.name.endswith("6"))
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        return s

    def bound(self, port: int = 0) -> Socket:
        """A socket that has a local address; of the kernel's choice without `port`."""
        s = self.socket()
        s.bind((self.host, port))
        return s

    def listener(self, backlog: int = 16) -> Socket:
        """A socket that connections are accepted from."""
        s = self.bound()
        s.listen(backlog)
        return s

    def connect(self, address: Any) -> Socket:
        """A socket connected to `address`."""
        s = self.socket()
        s.connect(address)
        return s

    def pair(self) -> tuple[Socket, Socket]:
        """Both ends of a flow: the client's, the server's."""
        if self.type == socket.SOCK_DGRAM:
            client, server = self.bound(), self.bound()
            client.connect(server.getsockname())
            server.connect(client.getsockname())
            return client, server
        with self.listener() as s:
            client = self.connect(s.getsockname())
            server, _ = s.accept()
        return client, server

    def __str__(self) -> str:
        return self.name


def _three(protocol: str, type: int) -> tuple[Kind, Kind, Kind]:
    v4 = Kind(f"{protocol}4", type, socket.AF_INET, "127.0.0.1", "0.0.0.0")
    v6 = Kind(f"{protocol}6", type, socket.AF_INET6, "::1", "::")
    mapped = Kind(f"{protocol}mapped", type, socket.AF_INET6, "::ffff:127.0.0.1", "::")
    return v4, v6, mapped


TCP = TCP4, TCP6, TCP_MAPPED = _three("tcp", socket.SOCK_STREAM)
UDP = UDP4, UDP6, UDP_MAPPED = _three("udp", socket.SOCK_DGRAM)
