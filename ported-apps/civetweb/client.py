"""An HTTP client on plain sockets: one file, then posts to echo.cgi; prints what came of it.

client.py http://HOST:PORT REQUESTS NUMBER
"""

import hashlib
import json
import sys
import urllib.request


def main() -> None:
    """Fetch, post, and print {"sha256", "requests", "wrong"}."""
    base, requests, number = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    digest = hashlib.sha256()
    with urllib.request.urlopen(f"{base}/blob", timeout=60) as answer:
        while block := answer.read(1 << 16):
            digest.update(block)
    wrong = 0
    for count in range(requests):
        body = f"client {number} request {count}".encode()
        url = f"{base}/echo.cgi?n={count}"
        with urllib.request.urlopen(url, data=body, timeout=60) as answer:
            wrong += answer.read() != f"POST n={count}\n".encode() + body
    print(json.dumps({"sha256": digest.hexdigest(), "requests": requests, "wrong": wrong}))


if __name__ == "__main__":
    main()
