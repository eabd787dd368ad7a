"""Something that answers on a control socket, right or wrong."""

import errno
import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

from scaffold._native import ffi, lib

EMPTY = {
    "schema": 1,
    "hosts": [],
    "services": [],
    "flows": [],
    "providers": [],
    "grants": [],
    "counters": {},
}


def rows_of(document: dict[str, Any]) -> list[str]:
    """What scaffoldd sends to say this."""
    document = dict(document)
    hosts, services, flows = (document.pop(key) for key in ("hosts", "services", "flows"))
    providers, grants = (document.pop(key, []) for key in ("providers", "grants"))
    rows: list[tuple[str, dict[str, Any]]] = [("scaffoldd", document)]
    rows += [("host", one) for one in hosts]
    for service in services:
        of_service = {key: service[key] for key in ("name", "id", "verified", "trust")}
        rows += [("instance", of_service | one) for one in service["instances"]]
    rows += [("flow", one) for one in flows]
    rows += [("provider", one) for one in providers]
    rows += [("grant", one) for one in grants]
    return [json.dumps(row, separators=(",", ":")) + "\n" for row in (*rows, ("end", {}))]


class FakeScaffoldd:
    """Answers each call with what `reply` says, and hangs up; a context manager. With `only`, a
    version of the protocol, requests of all others are refused.
    """

    def __init__(self, runtime_dir: Path, document: dict[str, Any] | None = None, **reply: Any):
        self.rows = rows_of(document or EMPTY)
        self.reply = reply
        self.asked: list[int] = []
        self.versions: list[int] = []
        runtime_dir.mkdir(exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(runtime_dir / "ctl"))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "FakeScaffoldd":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                if raw := connection.recv(8192):
                    self._answer(connection, raw)

    def _answer(self, connection: socket.socket, raw: bytes) -> None:
        request = ffi.new("struct sc_ctl_request *")
        ffi.buffer(request)[:] = raw
        self.asked.append(request.op)
        self.versions.append(request.version)
        answer = ffi.new("struct sc_ctl_reply *")
        answer.magic = self.reply.get("magic", lib.SC_CTL_MAGIC)
        answer.version = self.reply.get("version", lib.SC_CTL_VERSION)
        answer.op = request.op
        answer.error = self.reply.get("error", 0)
        if request.version != (only := self.reply.get("only", request.version)):
            answer.version, answer.error = only, errno.EPROTO
        elif "only" in self.reply:
            answer.version = only
        answer.text = self.reply.get("text", b"")
        whole = bytes(ffi.buffer(answer))[: self.reply.get("length")]
        if request.op == lib.SC_CTL_STATUS and not answer.error:
            reader, writer = os.pipe()
            socket.send_fds(connection, [whole], [reader])
            os.close(reader)
            with os.fdopen(writer, "w") as pipe:
                pipe.writelines(self.rows)
        elif self.reply.get("silent"):
            connection.recv(1)  # until the caller hangs up
        else:
            connection.send(whole)
