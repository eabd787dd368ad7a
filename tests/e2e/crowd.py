"""Many flows that ask a little at a time; run as a program.

crowd.py serve PORT
    prints "ready" and echoes
crowd.py ask HOST PORT FLOWS ROUNDS LONGEST SEED
    opens all flows; each asks ROUNDS times: 1 to LONGEST bytes, and no more
    before their echo is there. What comes back is compared with what was sent, byte by byte. Prints
    {"echoes", "bytes", "seconds"}; a wrong byte or an early end ends it with status 1.
"""

import hashlib
import json
import random
import selectors
import socket
import sys
import time


class Flow:
    """One conversation: its bytes are its own, and so are the lengths of its questions."""

    def __init__(self, address: tuple[str, int], rounds: int, longest: int, seed: str):
        chance = random.Random(seed)
        self.seed = seed
        self.lengths = [chance.randint(1, longest) for _ in range(rounds)]
        self.content = hashlib.shake_128(seed.encode()).digest(sum(self.lengths))
        self.socket = socket.create_connection(address)
        self.asked = self.heard = 0

    def ask(self) -> bool:
        """Sends the next question. False: there is none."""
        if not self.lengths:
            return False
        size = self.lengths.pop()
        self.socket.sendall(self.content[self.asked : self.asked + size])
        self.asked += size
        return True

    def hear(self) -> bool:
        """Reads once. True: the answer is complete."""
        data = self.socket.recv(1 << 16)
        expected = self.content[self.heard : self.heard + len(data)]
        self.heard += len(data)
        if not data or data != expected or self.heard > self.asked:
            sys.exit(f"flow {self.seed}: wrong at {self.heard - len(data)}")
        return self.heard == self.asked


def serve(port: int) -> None:
    listener = socket.create_server(("0.0.0.0", port), backlog=1024)
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                    continue
                flow: socket.socket = key.fileobj  # type: ignore[assignment]
                data = flow.recv(1 << 16)
                flow.sendall(data)
                if not data:
                    selector.unregister(flow)
                    flow.close()


def ask(host: str, port: int, flows: int, rounds: int, longest: int, seed: str) -> None:
    crowd = [Flow((host, port), rounds, longest, f"{seed}.{i}") for i in range(flows)]
    start, echoes, left = time.monotonic(), 0, flows
    with selectors.DefaultSelector() as selector:
        for flow in crowd:
            selector.register(flow.socket, selectors.EVENT_READ, flow)
        for flow in crowd:
            flow.ask()
        while left:
            for key, _ in selector.select():
                if key.data.hear():
                    echoes += 1
                    left -= not key.data.ask()
    took = time.monotonic() - start
    print(json.dumps({"echoes": echoes, "bytes": sum(f.heard for f in crowd), "seconds": took}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", port]:
            serve(int(port))
        case ["ask", host, port, flows, rounds, longest, seed]:
            ask(host, int(port), int(flows), int(rounds), int(longest), seed)
        case _:
            sys.exit(__doc__)
