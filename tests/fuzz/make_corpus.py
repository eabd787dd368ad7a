"""Writes the seeds of fuzz_packet (each packet of the lists below tests/wire, well-formed or not)
and of fuzz_stack (what hosts, owners and strangers do, by name).

Run it after a list, or the records of fuzz_stack, have changed. It removes every other file there
but `found-*`, which is how an input that broke something is kept. (libFuzzer writes into the first
folder that it is given: give it another one before this.)
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CORPUS = TESTS / "fuzz" / "corpus"
LISTS = {"vectors.txt": "vector", "wellformed.txt": "good", "malformed.txt": "bad"}

ROUTER, A, B = 0, 1, 2
STRANGER, VICTIM = 3, 5
WEB, DB = 0, 2  # of service_name in stack_owner.c
MS1, MS100, MS300, S1, S4, S5, S10, S61, S128 = 1, 4, 5, 7, 10, 11, 12, 14, 15  # of steps
OPEN, CONFIRM, DATA, CONTROL, DATAGRAM = 1, 3, 4, 8, 9


def unpack(text: str) -> bytes:
    """Bytes of the lists' notation: hex, commas, and z with a number of zero bytes."""
    parts = re.findall(r"z(\d+)|([0-9a-f]+)", text)
    return b"".join(bytes(int(zeros)) if zeros else bytes.fromhex(hex) for zeros, hex in parts)


def packets() -> dict[str, bytes]:
    found = {}
    for file, prefix in LISTS.items():
        for line in (TESTS / "wire" / file).read_text().splitlines():
            if line and not line.startswith("#"):
                name, text = line.split()
                found[f"{prefix}-{name}"] = unpack(text)
    return found


def operations() -> list[str]:
    """Names of fuzz_stack's operations, in the order of their numbers."""
    source = (TESTS / "fuzz" / "fuzz_stack.c").read_text()
    table = source[source.index("(*const ops[])") :]
    return re.findall(r"\bon_(\w+)", table[: table.index("};")])


def do(what: str, node: int = 0, a: int = 0, b: int = 0, c: int = 0, d: int = 0) -> bytes:
    return struct.pack(">BBBBHH", operations().index(what), node, a, b, c, d)


def head(*, hostile: bool = False, options: int = 0) -> bytes:
    return struct.pack(">BBB5x", hostile, 0, options)


def opened(service: int = WEB) -> bytes:
    """b serves, a has a flow with it."""
    return do("serve", B, service) + do("run", a=S1) + do("connect", A, service) + do("run", a=MS1)


def talk(length: int = 5000) -> bytes:
    there = do("write", A, c=length) + do("run", a=MS100) + do("read", B)
    back = do("write", B, c=length) + do("run", a=MS100) + do("read", A)
    return there + back


def ended() -> bytes:
    ends = do("finish", A) + do("run", a=MS100) + do("read", B) + do("finish", B)
    return ends + do("run", a=MS100) + do("read", A) + do("run", a=S5)


def stacks() -> dict[str, bytes]:
    bulk = b"".join(
        do("write", A, c=65535) + do("run", a=MS1, b=15) + do("read", B) for _ in range(8)
    )
    lossy = do("write", A, c=65535) + do("drain", A) + do("drop", a=20, c=3) + do("run", a=MS100)
    every = [
        do("forge", A, a=kind, b=STRANGER, c=kind * 77, d=i) for kind in range(10) for i in range(6)
    ]
    of_victim = [
        do("forge", n, a=kind, b=VICTIM, c=kind, d=n) for kind in range(10) for n in range(3)
    ]
    hold = do("owner", B, a=3) + opened() + do("unserve", B) + do("run", a=S5) + do("accept", B)
    return {
        "talk": head() + opened() + talk() + ended(),
        "bulk": head() + opened() + bulk + ended(),
        "little-memory": head(options=2) + opened() + bulk + do("run", a=S10) + ended(),
        "loss": head() + opened() + (lossy + do("read", B)) * 9 + do("run", a=S10) + ended(),
        "loss-newreno": head(options=1)
        + opened()
        + do("network", b=1, c=50)
        + bulk * 3
        + do("run", a=S10)
        + ended(),
        "loss-bbr": head(options=32)
        + opened()
        + do("network", b=1, c=50)
        + bulk * 3
        + do("run", a=S10)
        + do("network", b=3)
        + bulk * 2
        + ended(),
        "marked": head() + opened() + do("network", b=3) + bulk * 2 + ended(),
        "small-path": head() + do("network", a=3) + opened() + bulk + do("network", a=1) + bulk,
        "send-errors": head() + opened() + do("send_error", A, 1) + bulk + do("send_error", B, 2),
        "refused": head() + do("connect", A, WEB) + do("run", a=S1),
        "not-accepted": head() + hold + do("run", a=S1),
        "full": head()
        + do("serve", B, WEB)
        + do("accepting", B)
        + do("connect", A)
        + do("run", a=S4),
        "aborted": head() + opened() + talk() + do("abort", B) + do("run", a=S1) + do("release", A),
        "released": head() + opened() + do("write", A, c=9) + do("finish", A) + do("release", A),
        "urgent": head()
        + opened()
        + talk()
        + do("urgent", A)
        + do("write", A, c=1)
        + talk()
        + ended(),
        "discard": head()
        + opened()
        + do("discard", B)
        + bulk
        + do("user_timeout", A, b=7)
        + ended(),
        "silent-peer": head()
        + opened()
        + do("network", a=5)
        + do("write", A, c=99)
        + do("run", a=S61),
        "restart": head()
        + opened()
        + talk()
        + do("restart", B)
        + do("run", a=S10)
        + do("connect", A),
        "router-restart": head()
        + opened()
        + do("restart", ROUTER)
        + do("run", a=S5)
        + do("connect", A),
        "moved": head()
        + opened()
        + talk()
        + do("move", A, 1)
        + talk()
        + do("run", a=S10) * 4
        + ended(),
        "moved-server": head()
        + opened()
        + do("move", B, 1)
        + do("run", a=S10) * 3
        + do("connect", A),
        "restarted-elsewhere": head(options=16)
        + opened()
        + do("move", B, 1)
        + do("restart", B)
        + do("serve", B, WEB)
        + do("run", a=S1)
        + do("connect", A)
        + talk(),
        "slept": head()
        + opened()
        + do("sleep", a=S128)
        + do("run", a=S1)
        + do("unreachable", A, b=B),
        "lookups": head()
        + b"".join(
            do("lookup", n, a=by, b=what) for n in (A, 0) for by in (0, 1, 2) for what in (0, 65, 3)
        )
        + do("run", a=S5),
        "small-pool": head(options=4)
        + b"".join(do("lookup", A, b=64 + i) for i in range(20))
        + do("run", a=S5),
        "datagrams": head()
        + do("serve", B, DB)
        + do("run", a=S1)
        + b"".join(
            do("datagram", A, a=how, b=DB, c=size)
            for how in (0, 1, 8)
            for size in (0, 9, 9000, 65507)
        )
        + do("run", a=S1)
        + do("datagram", B, a=7, b=DB, c=30)
        + do("refuse_datagram", B)
        + do("run", a=S5),
        "replayed": head()
        + opened()
        + b"".join(do("replay", c=i) for i in range(32))
        + talk()
        + ended(),
        "reordered": head()
        + opened()
        + do("write", A, c=20000)
        + do("drain", A)
        + b"".join(do("deliver", a=i & 1, c=7 * i) + do("duplicate", c=i) for i in range(20))
        + do("run", a=MS300)
        + ended(),
        "forged": head(hostile=True) + opened() + b"".join(every) + talk() + do("status", A),
        "forged-at-router": head(hostile=True)
        + opened()
        + b"".join(do("forge", ROUTER, a=CONTROL, b=STRANGER, d=i) for i in range(40))
        + do("status", ROUTER)
        + do("run", a=S5),
        # one kind at a time: a long packet of another kind would pay for too long an answer
        **{
            f"victim-{kind}": head(hostile=True)
            + opened()
            + b"".join(do("flood", n, a=kind, b=VICTIM, c=40, d=kind) for n in (ROUTER, A, B))
            + do("run", a=S5)
            for kind in range(1, 10)
        },
        "victim": head(hostile=True) + opened() + b"".join(of_victim) + do("run", a=S5),
        "changed": head(hostile=True)
        + opened()
        + b"".join(
            do("write", A, c=100) + do("drain", A) + do("change", c=9 * i, d=1) for i in range(8)
        )
        + do("write", A, c=100)
        + do("drain", A)
        + do("cut", c=30)
        + do("write", A, c=100)
        + do("drain", A)
        + do("redirect", a=0, b=STRANGER)
        + talk(),
        "half-open": head(hostile=True)
        + opened()
        + do("crowd", B)
        + do("flood", B, a=OPEN, b=STRANGER, c=20)
        + do("pump")
        + do("flood", B, a=OPEN, b=STRANGER, c=20)
        + do("connect", A, WEB)
        + do("run", a=S1)
        + talk(),
        "strays": head(hostile=True)
        + do("flood", B, a=DATA, b=STRANGER, c=99)
        + do("flood", A, a=DATAGRAM, b=STRANGER, c=99)
        + do("flood", ROUTER, a=CONTROL, b=STRANGER, c=99)
        + do("flood", B, a=CONFIRM, b=STRANGER, c=60),
    }


def write(target: str, seeds: dict[str, bytes]) -> None:
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if not old.name.startswith("found-"):
            old.unlink()
    for name, data in seeds.items():
        (folder / name).write_bytes(data)
    print(f"{len(seeds)} seeds in {folder.relative_to(TESTS.parent)}")


def main() -> None:
    write("fuzz_packet", packets())
    write("fuzz_stack", stacks())


if __name__ == "__main__":
    main()
