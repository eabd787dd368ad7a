"""Stores and reads keys in a memcached: `client.py SERVICE COUNT`; prints one JSON object.

The text protocol over one flow, in batches, so that the figure is not one of round trips alone.
"""

import hashlib
import json
import socket
import sys
import time
from typing import BinaryIO

import scaffold

BATCH = 100


def value_of(number: int) -> bytes:
    """What key number `number` holds: from 1 to about 1,000 bytes, different for each."""
    seed = hashlib.sha256(b"%d" % number).hexdigest().encode()
    return (seed * 16)[: 1 + number * 7919 % 1000]


def addresses(flow: socket.socket, answers: BinaryIO) -> list[str]:
    """Those that memcached shows for itself and its clients."""
    flow.sendall(b"stats conns\r\n")
    found = []
    while (line := answers.readline()) not in (b"END\r\n", b""):
        if b"addr " in line:
            found.append(line.split()[-1].decode())
    return found


def main(service: str, count: int) -> None:
    """Store every key, read every key, compare."""
    wrong = 0
    start = time.monotonic()
    with scaffold.create_connection(service, timeout=30) as flow:
        answers = flow.makefile("rb")
        for first in range(0, count, BATCH):
            batch = range(first, min(first + BATCH, count))
            values = [(number, value_of(number)) for number in batch]
            flow.sendall(b"".join(b"set k%d 0 0 %d\r\n%b\r\n" % (n, len(v), v) for n, v in values))
            wrong += sum(answers.readline() != b"STORED\r\n" for _ in batch)
        for first in range(0, count, BATCH):
            batch = range(first, min(first + BATCH, count))
            flow.sendall(b"".join(b"get k%d\r\n" % number for number in batch))
            for number in batch:
                header = answers.readline().split()
                stored = answers.read(int(header[3]) + 2)[:-2] if len(header) == 4 else b""
                ended = not header or answers.readline() == b"END\r\n"
                wrong += stored != value_of(number) or not ended
        seconds = time.monotonic() - start
        shown = addresses(flow, answers)
    print(json.dumps({"keys": count, "wrong": wrong, "seconds": seconds, "addresses": shown}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
