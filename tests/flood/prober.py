"""Opens one connection after another until its standard input ends; says how long they took.

    prober.py HOST PORT

Prints one line of JSON: the number of connections, the longest in seconds, and the errors.
"""

import json
import select
import socket
import sys
import time

EVERY_S = 0.05
PATIENCE_S = 10.0


def probe(host: str, port: int) -> float:
    """Seconds that one new connection takes."""
    start = time.monotonic()
    with socket.create_connection((host, port), PATIENCE_S):
        return time.monotonic() - start


def main() -> None:
    """See above."""
    times: list[float] = []
    errors: list[str] = []
    while not select.select([sys.stdin], [], [], EVERY_S)[0]:
        try:
            times.append(probe(sys.argv[1], int(sys.argv[2])))
        except OSError as error:
            errors.append(str(error))
    print(json.dumps({"count": len(times), "longest": max(times, default=0), "errors": errors}))


if __name__ == "__main__":
    main()
