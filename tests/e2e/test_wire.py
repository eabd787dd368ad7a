"""What crosses the link is what docs/protocol.md says, decoded by another implementation."""

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.common import wget
from scaffold import scenario
from scaffold.lab import PORT, Host, Lab

pytest.importorskip("scapy")

from wire.scaffold_scapy import TYPES, Stream, StreamWithLength, decode_pcap

pytestmark = [pytest.mark.hosts, pytest.mark.root]

SIZE = 300_000


def start_capture(host: Host, path: Path) -> subprocess.Popen[Any]:
    """tcpdump on a host's link; it watches already when this returns."""
    command = ["tcpdump", "-i", "eth0", "-U", "--immediate-mode", "-w", str(path), "-Z", "root"]
    watch = host.popen([*command, "udp"], shim=False, stderr=subprocess.PIPE)
    assert watch.stderr is not None
    while b"listening on" not in watch.stderr.readline():
        assert watch.poll() is None
    return watch


def assemble(pieces: dict[int, bytes]) -> bytes:
    """A stream from the data of its STREAM frames."""
    whole = b""
    for offset in sorted(pieces):
        assert offset <= len(whole), f"a hole at {len(whole)}"
        whole = whole[:offset] + pieces[offset]
    return whole


@pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not installed")
def test_a_captured_transfer_decodes(root_only: None, tmp_path: Path) -> None:
    capture = tmp_path / "link.pcap"
    with Lab(["a", "b"], router="b", kind="namespaces", offloads=False) as lab:
        folder = lab.folder / "b" / "www"
        scenario.make_file(folder / "blob", SIZE)
        blob = (folder / "blob").read_bytes()
        watch = start_capture(lab["a"], capture)
        lab.start()
        server = wget.serve_nginx(lab["b"], folder)
        lab.await_service(f"{wget.SERVICE}:80", process=server)
        target = lab.folder / "a" / "blob"
        wget.fetch(lab["a"], "blob", target)
        assert target.read_bytes() == blob
        watch.send_signal(signal.SIGINT)
        watch.wait(10)

    kinds: set[str] = set()
    streams: dict[int, dict[int, bytes]] = {}
    for packet, frames in decode_pcap(capture, PORT):
        kinds.add(TYPES[packet.type])
        for frame in frames:
            if isinstance(frame, (Stream, StreamWithLength)):
                streams.setdefault(packet.flow, {})[frame.offset] = frame.data
    assert kinds >= {"OPEN", "ANSWER", "CONFIRM", "DATA", "CONTROL"}
    assert len(streams) == 2, "one flow, both directions"
    bodies = [assemble(pieces) for pieces in streams.values()]
    assert any(body.startswith(b"GET /blob") for body in bodies)
    assert any(body.endswith(blob) for body in bodies)
