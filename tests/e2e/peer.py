"""A server and a client on plain sockets, for the failure cases; run as a program.

peer.py serve ADDRESS PORT MODE      prints "ready", and "accepted" for each flow; source: sends for
                                     ever; echo; hold: accepts and keeps; never: never accepts
peer.py read HOST PORT               prints "open", then {"bytes", "end", "seconds"}, where end is
                                     "EOF" or the errno's name
peer.py write HOST PORT SIZE SNDBUF  a poll-driven writer; waits for the echo of it all
"""

import errno
import hashlib
import json
import os
import select
import socket
import sys
import threading
import time

BLOCK = os.urandom(1 << 16)


def work(connection: socket.socket, mode: str) -> None:
    try:
        if mode == "source":
            while True:
                connection.sendall(BLOCK)
        elif mode == "echo":
            while data := connection.recv(1 << 16):
                connection.sendall(data)
            connection.close()
        else:
            time.sleep(3600)
    except OSError:
        pass


def serve(address: str, port: int, mode: str) -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(16)
    print("ready", flush=True)
    while mode == "never":
        time.sleep(3600)
    while True:
        connection, _ = listener.accept()
        print("accepted", flush=True)
        threading.Thread(target=work, args=(connection, mode), daemon=True).start()


def read(host: str, port: int) -> None:
    total = 0
    connection = socket.create_connection((host, port))
    print("open", flush=True)
    start = time.monotonic()
    try:
        while data := connection.recv(1 << 16):
            total += len(data)
            if total == len(data):
                print("flowing", flush=True)
        end = "EOF"
    except OSError as error:
        end = errno.errorcode.get(error.errno or 0, str(error))
    print(json.dumps({"bytes": total, "end": end, "seconds": time.monotonic() - start}))


def write(host: str, port: int, size: int, sndbuf: int) -> None:
    """Sends only when poll says so, in writes of odd sizes; reads the echo meanwhile."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
    connection.connect((host, port))
    connection.setblocking(False)
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLOUT)
    sent, received, stalls = hashlib.sha256(), hashlib.sha256(), 0
    out = back = 0
    while back < size:
        events = poll.poll(5000)
        stalls += not events
        if stalls:
            break
        if events[0][1] & select.POLLOUT and out < size:
            chunk = BLOCK[: min(size - out, 4001)]
            done = connection.send(chunk)
            sent.update(chunk[:done])
            out += done
            if out == size:
                poll.modify(connection, select.POLLIN)
        if events[0][1] & select.POLLIN:
            data = connection.recv(1 << 16)
            received.update(data)
            back += len(data)
            if not data:
                break
    same = sent.digest() == received.digest()
    print(json.dumps({"sent": out, "received": back, "stalls": stalls, "same": same}))


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "serve":
        serve(rest[0], int(rest[1]), rest[2])
    elif command == "read":
        read(rest[0], int(rest[1]))
    else:
        write(rest[0], int(rest[1]), int(rest[2]), int(rest[3]))
