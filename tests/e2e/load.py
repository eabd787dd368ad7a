"""Mixed load whose contents are checked, for the tests of kills; run as a program.

load.py serve NAME:PORT...         streams, without the shim; prints "ready"
load.py datagrams PORT             datagrams, under the shim; opens a new socket after each error
load.py client SEED NAME:PORT...   bulk in both directions, requests, datagrams (port 53), until its
                                   stdin ends; then prints what it did, as JSON
load.py probe NAME:PORT...         for each line: tries every service until it has answered, and
                                   prints how many seconds the last one took

What breaks a promise (wrong bytes, an end of file before the end) is written to stderr and ends the
client with status 3. Errors are none: scaffoldds are being killed.
"""

import collections
import contextlib
import hashlib
import json
import os
import random
import socket
import sys
import threading
import time

PATIENCE = 10.0
"""Seconds until a client gives an operation up: what hangs for longer is counted."""
DATAGRAMS = 53


class Broken(Exception):
    """What must never happen."""


def content(seed: int, size: int) -> bytes:
    return hashlib.shake_128(b"%d" % seed).digest(size)


def line(connection: socket.socket) -> list[bytes]:
    text = b""
    while not text.endswith(b"\n"):
        one = connection.recv(1)
        if not one:
            raise EOFError
        text += one
    return text.split()


# --- serving --------------------------------------------------------------------------------------


def answer(connection: socket.socket) -> None:
    """get SEED SIZE: the bytes. put SIZE: takes them, answers with their hash. ask TEXT: the
    text."""
    with connection, contextlib.suppress(OSError, EOFError, ValueError):
        connection.settimeout(None)
        while True:
            what, *words = line(connection)
            if what == b"get":
                connection.sendall(content(int(words[0]), int(words[1])))
            elif what == b"put":
                left, digest = int(words[0]), hashlib.sha256()
                while left:
                    data = connection.recv(min(left, 1 << 18))
                    if not data:
                        raise EOFError
                    digest.update(data)
                    left -= len(data)
                connection.sendall(digest.hexdigest().encode() + b"\n")
            else:
                connection.sendall(words[0] + b"\n")


def accept(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            time.sleep(0.01)
            continue
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def serve(names: list[str]) -> None:
    import scaffold

    for name in names:
        listener = scaffold.create_server(name)
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def serve_datagrams(port: int) -> None:
    first = True
    while True:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind(("", port))
                if first:
                    print("ready", flush=True)
                first = False
                while True:
                    data, peer = s.recvfrom(2000)
                    s.sendto(data, peer)
        except OSError:
            time.sleep(0.05)


# --- asking ---------------------------------------------------------------------------------------


def connect(name: str) -> socket.socket:
    host, port = name.rsplit(":", 1)
    return socket.create_connection((host, int(port)), PATIENCE)


def received(connection: socket.socket, size: int) -> bytes:
    parts, got = [], 0
    while got < size:
        data = connection.recv(1 << 18)
        if not data:
            raise Broken(f"an end of file after {got} of {size} bytes")
        parts.append(data)
        got += len(data)
    return b"".join(parts)


def get(connection: socket.socket, dice: random.Random) -> int:
    seed, size = dice.getrandbits(32), dice.choice([1, 1000, 100_000, 4_000_000])
    connection.sendall(b"get %d %d\n" % (seed, size))
    if received(connection, size) != content(seed, size):
        raise Broken(f"wrong bytes among {size}")
    return size


def put(connection: socket.socket, dice: random.Random) -> int:
    seed, size = dice.getrandbits(32), dice.choice([1, 1000, 100_000, 4_000_000])
    data = content(seed, size)
    connection.sendall(b"put %d\n" % size)
    connection.sendall(data)
    if received(connection, 65) != hashlib.sha256(data).hexdigest().encode() + b"\n":
        raise Broken(f"wrong hash of {size} bytes")
    return size


def ask(connection: socket.socket, dice: random.Random) -> int:
    for _ in range(dice.randrange(1, 100)):
        text = b"%x" % dice.getrandbits(256)
        connection.sendall(b"ask %s\n" % text)
        if received(connection, len(text) + 1) != text + b"\n":
            raise Broken("the answer to another question")
    return 64


def exchange(name: str, dice: random.Random) -> int:
    host, port = name.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        s.connect((host, int(port)))
        text = dice.randbytes(dice.randrange(1, 1500))
        s.send(text)
        if s.recv(2000) != text:
            raise Broken("another datagram")
    return len(text)


class Client:
    def __init__(self) -> None:
        self.over = threading.Event()
        self.done: collections.Counter[str] = collections.Counter()
        self.broken: list[str] = []

    def once(self, name: str, dice: random.Random) -> None:
        if name.endswith(f":{DATAGRAMS}"):
            self.done["bytes"] += exchange(name, dice)
            self.done["datagrams"] += 1
            return
        operation = dice.choice([get, put, ask])
        with connect(name) as connection:
            self.done["bytes"] += operation(connection, dice)
        self.done[operation.__name__] += 1

    def run(self, seed: int, names: list[str]) -> None:
        dice = random.Random(seed)
        while not self.over.is_set() and not self.broken:
            name = dice.choice(names)
            try:
                self.once(name, dice)
            except Broken as broken:
                self.broken.append(f"{name}: {broken}")
            except TimeoutError:
                is_lost = name.endswith(f":{DATAGRAMS}")
                self.done["lost datagrams" if is_lost else "given up"] += 1
            except OSError:
                self.done["errors"] += 1
                time.sleep(0.02)


def ask_much(seed: int, names: list[str]) -> None:
    client = Client()
    threads = [threading.Thread(target=client.run, args=(seed + i, names)) for i in range(4)]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    while os.read(0, 100):
        pass
    client.over.set()
    for thread in threads:
        thread.join()
    print(json.dumps(dict(client.done)), flush=True)
    if client.broken:
        print("\n".join(client.broken), file=sys.stderr)
        sys.exit(3)


# --- is it back? ----------------------------------------------------------------------------------


def answers(name: str) -> bool:
    try:
        if name.endswith(f":{DATAGRAMS}"):
            return exchange(name, random.Random()) > 0
        with connect(name) as connection:
            connection.settimeout(2)
            return ask(connection, random.Random()) > 0
    except (OSError, Broken):
        time.sleep(0.01)
        return False


def probe_one(name: str, began: float, took: dict[str, float]) -> None:
    while not answers(name) and time.monotonic() < began + 60:
        pass
    took[name] = time.monotonic() - began


def probe(names: list[str]) -> None:
    print("ready", flush=True)
    while os.read(0, 100):
        began, took = time.monotonic(), dict[str, float]()
        threads = [threading.Thread(target=probe_one, args=(n, began, took)) for n in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(took), flush=True)


def main() -> None:
    what, *words = sys.argv[1:]
    if what == "serve":
        serve(words)
    elif what == "datagrams":
        serve_datagrams(int(words[0]))
    elif what == "client":
        ask_much(int(words[0]), words[1:])
    else:
        probe(words)


if __name__ == "__main__":
    main()
