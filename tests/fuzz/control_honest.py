"""Programs that do nothing wrong, beside those that do; run under the shim.

control_honest.py serve PORT                echoes, until it is ended
control_honest.py ask HOST PORT HOST PORT   asks in turn, one line for each answer; ends with a word
                                            of what was wrong as soon as something is
"""

import contextlib
import os
import socket
import sys
import threading

SIZE = 50_000


def echo(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):  # not every client is honest
        while data := connection.recv(1 << 16):
            connection.sendall(data)


def serve(port: int) -> None:
    listener = socket.create_server(("0.0.0.0", port), backlog=64)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo, args=(connection,), daemon=True).start()


def ask(host: str, port: int) -> None:
    """Raises OSError; ends when the answer is another."""
    sent = os.urandom(SIZE)
    back = b""
    with socket.create_connection((host, port), timeout=60) as connection:
        try:
            sender = threading.Thread(target=connection.sendall, args=(sent,))
            sender.start()
            while len(back) < SIZE and (data := connection.recv(1 << 16)):
                back += data
            sender.join()
            connection.shutdown(socket.SHUT_WR)
            back += connection.recv(1)
        except OSError as error:
            sys.exit(f"{host}:{port}: {error} after {len(back)} bytes")
    if back != sent:
        sys.exit(f"{host}:{port}: {len(back)} bytes, not the {SIZE} that were sent")


def main() -> None:
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    services = list(zip(sys.argv[2::2], map(int, sys.argv[3::2]), strict=True))
    while True:
        for host, port in services:
            try:
                ask(host, port)
            except OSError as error:
                sys.exit(f"{host}:{port}: {error}")
            print("same", flush=True)


if __name__ == "__main__":
    main()
