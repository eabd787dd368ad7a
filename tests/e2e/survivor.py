"""Servers for test_survivors.py and the tests of kills, in one process; run as a program.

survivor.py under the shim: listens in every way that a listener can survive in, prints "ready", and
listens with one more socket for each line that it reads.
survivor.py COUNT: so many services s0.many.scaffold, ... without the shim.

What connects is told the local port, and then gets back what it sends.
"""

import os
import selectors
import socket
import sys

import scaffold

selector = selectors.DefaultSelector()


def take(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.sendall(b"%d\n" % listener.getsockname()[1])
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_READ, echo)


def echo(connection: socket.socket) -> None:
    try:
        data = connection.recv(1 << 16)
        connection.setblocking(True)
        connection.sendall(data)
        connection.setblocking(False)
    except OSError:  # scaffoldd was killed
        data = b""
    if not data:
        selector.unregister(connection)
        connection.close()


def bound(address: str, port: int, *options: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    for option in options:
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((address, port))
    return listener


def listen(listener: socket.socket) -> None:
    listener.listen(64)
    selector.register(listener, selectors.EVENT_READ, take)


def in_every_way() -> None:
    listen(bound("0.0.0.0", 4000))
    for address in ("0.0.0.0", "::"):  # one instance
        listen(bound(address, 4001))
    for _ in range(2):  # two
        listen(bound("0.0.0.0", 4002, socket.SO_REUSEPORT))
    late = [bound("0.0.0.0", 4004), bound("0.0.0.0", 4003)]
    if os.fork():  # the binder goes, a holder stays
        os._exit(0)
    selector.register(sys.stdin, selectors.EVENT_READ, lambda _: one_more(late))


def one_more(late: list[socket.socket]) -> None:
    if not os.read(0, 1):
        selector.unregister(sys.stdin)
        return
    listen(late.pop())
    print("listens", flush=True)


def many(count: int) -> None:
    for i in range(count):
        listener = scaffold.create_server(f"s{i}.many.scaffold:80")
        selector.register(listener, selectors.EVENT_READ, take)


def main() -> None:
    if len(sys.argv) > 1:
        many(int(sys.argv[1]))
    else:
        in_every_way()
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj)


if __name__ == "__main__":
    main()
