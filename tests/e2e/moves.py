"""Flows between hosts whose address changes; run as a program.

moves.py serve NAME:PORT COUNT   takes so many flows
moves.py open NAME:PORT          one flow of each kind

Each end prints "ready" when all are open, and then a line for each flow that is over: kind, the
errno's name, and the time of CLOCK_MONOTONIC, which all hosts of one machine share.
"""

import errno
import os
import socket
import sys
import threading
import time

import scaffold

KINDS = ["idle", "client", "server", "both"]
"""Who sends."""


def use(flow: socket.socket, kind: str, *, sends: bool) -> None:
    """By one thread: an error is told once, and who reads after the other was told sees an end."""
    flow.settimeout(0.1)
    end = ""
    while not end:
        try:
            if sends:
                flow.send(bytes(10_000))
            if not flow.recv(1 << 16):
                end = "EOF"
        except TimeoutError as error:
            if error.errno == errno.ETIMEDOUT:  # the flow's, not the call's
                end = "ETIMEDOUT"
        except OSError as error:
            end = errno.errorcode[error.errno or 0]
    os.write(1, f"{kind} {end} {time.monotonic()}\n".encode())  # whole, whoever else writes


def work(flow: socket.socket, kind: str, *, sends: bool) -> None:
    threading.Thread(target=use, args=(flow, kind), kwargs={"sends": sends}).start()


def serve(name: str, count: int) -> None:
    with scaffold.create_server(name) as listener:
        print("listening", flush=True)
        for _ in range(count):
            flow, _ = listener.accept()
            kind = KINDS[flow.recv(1)[0]]
            flow.sendall(b"!")
            work(flow, kind, sends=kind in ("server", "both"))
        print("ready", flush=True)


def open_all(name: str) -> None:
    for index, kind in enumerate(KINDS):
        flow = scaffold.create_connection(name, timeout=20)
        flow.sendall(bytes([index]))
        assert flow.recv(1) == b"!"
        work(flow, kind, sends=kind in ("client", "both"))
    print("ready", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        open_all(sys.argv[2])
