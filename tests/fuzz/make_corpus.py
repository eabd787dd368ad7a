"""Writes the seeds of fuzz_packet: each packet of the lists below tests/wire, well-formed or not.

Run it after a list has changed. It removes every other file there but `found-*`, which is how an
input that broke something is kept. (libFuzzer writes into the first folder that it is given: give
it another one before this.)
"""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CORPUS = TESTS / "fuzz" / "corpus" / "fuzz_packet"
LISTS = {"vectors.txt": "vector", "wellformed.txt": "good", "malformed.txt": "bad"}


def unpack(text: str) -> bytes:
    """Bytes of the lists' notation: hex, commas, and z with a number of zero bytes."""
    parts = re.findall(r"z(\d+)|([0-9a-f]+)", text)
    return b"".join(bytes(int(zeros)) if zeros else bytes.fromhex(hex) for zeros, hex in parts)


def seeds() -> dict[str, bytes]:
    found = {}
    for file, prefix in LISTS.items():
        for line in (TESTS / "wire" / file).read_text().splitlines():
            if line and not line.startswith("#"):
                name, text = line.split()
                found[f"{prefix}-{name}"] = unpack(text)
    return found


def main() -> None:
    CORPUS.mkdir(parents=True, exist_ok=True)
    for old in CORPUS.iterdir():
        if not old.name.startswith("found-"):
            old.unlink()
    for name, data in seeds().items():
        (CORPUS / name).write_bytes(data)
    print(f"{len(seeds())} seeds in {CORPUS.relative_to(TESTS.parent)}")


if __name__ == "__main__":
    main()
