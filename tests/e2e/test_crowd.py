"""A flood of small flows: their packets share trains, and each flow gets its own bytes in order."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.common import PORT, SERVICE, line
from scaffold.lab import PORT as UDP_PORT
from scaffold.lab import Lab

CROWD = Path(__file__).with_name("crowd.py")
SEED = "81"


def serve(lab: Lab) -> None:
    command = [sys.executable, CROWD, "serve", str(PORT)]
    process = lab["b"].popen(command, service=SERVICE, stdout=subprocess.PIPE)
    line(process, b"ready\n")
    lab.await_service(f"{SERVICE}:{PORT}", process=process)


def ask(lab: Lab, flows: int, rounds: int, longest: int) -> None:
    """Every flow's content is compared by crowd.py."""
    words = ["ask", SERVICE, PORT, flows, rounds, longest, SEED]
    command = [sys.executable, CROWD, *map(str, words)]
    done = lab["a"].run(command, timeout=100)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["echoes"] == flows * rounds


def counters(lab: Lab, host: str) -> dict[str, int]:
    counted: dict[str, int] = lab[host].status()["counters"]
    return counted


@pytest.mark.parametrize(("flows", "longest"), [(64, 64), (200, 2000)])
def test_a_flood_of_small_flows(flows: int, longest: int) -> None:
    with Lab(["a", "b"], router="b") as lab:
        lab.start()
        serve(lab)
        ask(lab, flows, 50, longest)
        for host in "ab":
            counted = counters(lab, host)
            dropped = {k: v for k, v in counted.items() if k.startswith("dropped") and v}
            assert not dropped
            assert counted["trains_sent"] < counted["sent"], "no train had more than a packet"


@pytest.mark.hosts
@pytest.mark.root
def test_a_link_that_loses_packets(root_only: None) -> None:
    with Lab(["a", "b"], router="b", kind="namespaces", drop_per_mille=20) as lab:
        lab.start()
        serve(lab)
        ask(lab, 64, 20, 1000)


@pytest.mark.hosts
@pytest.mark.root
@pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not installed")
def test_padded_packets_decode(root_only: None, tmp_path: Path) -> None:
    pytest.importorskip("scapy")
    from e2e.test_wire import assemble, start_capture
    from wire.scaffold_scapy import TYPES, Padding, Stream, StreamWithLength, decode_pcap

    capture = tmp_path / "link.pcap"
    with Lab(["a", "b"], router="b", kind="namespaces", offloads=False) as lab:
        watch = start_capture(lab["a"], capture)
        lab.start()
        serve(lab)
        ask(lab, 32, 20, 100)
        watch.send_signal(signal.SIGINT)
        watch.wait(10)

    padded = 0
    streams: dict[int, dict[int, bytes]] = {}
    for packet, frames in decode_pcap(capture, UDP_PORT):
        data = [frame for frame in frames if isinstance(frame, (Stream, StreamWithLength))]
        for frame in data:
            streams.setdefault(packet.flow, {})[frame.offset] = frame.data
        ends_in_padding = frames and isinstance(frames[-1], Padding)
        padded += TYPES[packet.type] == "DATA" and bool(data) and ends_in_padding
    assert padded > 0
    contents = [assemble(pieces) for pieces in streams.values()]
    assert len(contents) == 64
    assert all(contents.count(content) == 2 for content in contents), "there and back"
