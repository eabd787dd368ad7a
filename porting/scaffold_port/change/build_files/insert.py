"""Lines into a file, with its own line ends."""


def insert(data: bytes, at: int, lines: list[str]) -> bytes:
    """`lines` before the byte `at`, which begins a line or is the end."""
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    before = data[:at]
    if before and not before.endswith(b"\n"):
        before += newline
    return before + b"".join(line.encode() + newline for line in lines) + data[at:]
