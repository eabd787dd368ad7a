"""The decoder that was written from docs/protocol.md reads what the C encoder writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("scapy")

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from wire.scaffold_scapy import (
    MESSAGES,
    Abort,
    Ack,
    Malformed,
    Padding,
    Ping,
    Stream,
    StreamWithLength,
    Urgent,
    Window,
    decode,
    decode_pcap,
    encode,
)


def unpack(text: str) -> bytes:
    """Bytes of the lists' notation: hex, commas, and z with a number of zero bytes."""
    parts = re.findall(r"z(\d+)|([0-9a-f]+)", text)
    return b"".join(bytes(int(zeros)) if zeros else bytes.fromhex(hex) for zeros, hex in parts)


def listed(name: str) -> dict[str, bytes]:
    lines = (Path(__file__).parent / name).read_text().splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {name: unpack(text) for name, text in pairs}


VECTORS = listed("vectors.txt")  # written by the C encoder
WELLFORMED = listed("wellformed.txt")  # made by hand, as are the malformed ones
MALFORMED = listed("malformed.txt")


@pytest.mark.parametrize("name", VECTORS)
def test_every_vector_decodes(name: str) -> None:
    packet, _ = decode(VECTORS[name])
    if name.startswith("control-"):
        assert packet.payload.message == int(name.split("-")[1])
        assert packet.number == 77


def test_the_messages_are_all_there() -> None:
    assert {f"control-{n}" for n in MESSAGES} <= set(VECTORS)


def test_open() -> None:
    packet, _ = decode(VECTORS["open"])
    body = packet.payload
    assert len(VECTORS["open"]) == 1164
    assert (body.src, body.src_flow, body.open_id, body.attempt) == (5, 6, 7, 1)
    assert body.service[28:32] == bytes([0x1F, 0x90, 6, 1])
    assert body.exclude == [100, 200]
    assert body.cookie == bytes([9, 8, 7])
    assert (body.origin.family, body.origin.port) == (4, 7213)
    assert body.origin.ip[:4] == bytes([10, 0, 0, 7])


def test_frames_of_a_data_packet() -> None:
    packet, frames = decode(VECTORS["data"])
    ack, window, urgent, stream, end = frames
    assert (packet.dst, packet.flow, packet.number) == (0x1122334455667788, 0xA1B2C3D4, 42)
    assert isinstance(ack, Ack)
    assert (ack.largest, ack.delay_us, ack.n, ack.first) == (48, 1000, 2, 3)
    assert (ack.ranges[0].gap, ack.ranges[0].length) == (2, 3)
    assert (ack.ect0, ack.ect1, ack.ce) == (3, 0, 1)
    assert isinstance(window, Window) and window.window == 1 << 20
    assert isinstance(urgent, Urgent) and urgent.offset == 11
    assert isinstance(stream, StreamWithLength)
    assert (stream.offset, stream.data) == (10, b"abc")
    assert isinstance(end, Stream)
    assert (end.type, end.offset, end.data) == (5, 1000000, b"the end")


def test_fragment() -> None:
    body = decode(VECTORS["fragment"])[0].payload
    assert (body.src, body.src_pool, body.src_port) == (5, 0xC6120003, 40000)
    assert (body.choice, body.flags, body.ttl, body.tos) == (11, 5, 64, 8)
    assert (body.total, body.offset, body.data) == (2000, 1000, b"payload")
    assert body.to == body.sender


def test_abort_ping_and_padding() -> None:
    _, frames = decode(VECTORS["abort"])
    assert isinstance(frames[0], Abort) and frames[0].reason == 1
    assert isinstance(frames[1], Ping)
    assert len(frames) == 7 and all(isinstance(f, Padding) for f in frames[2:])


@pytest.mark.parametrize("name", ["open", "answer", "refuse", "retry", "reset", "undelivered"])
def test_cut_packets_are_refused(name: str) -> None:
    for cut in range(len(VECTORS[name])):
        with pytest.raises(Malformed):
            decode(VECTORS[name][:cut])


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("data", 0, 0x44),  # version 2
        ("data", 0, 0x2F),  # type 15
        ("open", -1, 1),  # something in the padding
        ("data", 22, 0x0D),  # unknown frame
    ],
)
def test_wrong_bytes_are_refused(name: str, at: int, value: int) -> None:
    packet = bytearray(VECTORS[name])
    packet[at] = value
    with pytest.raises(Malformed):
        decode(bytes(packet))


@pytest.mark.parametrize("name", WELLFORMED)
def test_what_others_may_write_is_read(name: str) -> None:
    decode(WELLFORMED[name])


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        decode(MALFORMED[name])


@pytest.mark.parametrize("name", VECTORS | WELLFORMED)
def test_what_was_decoded_is_encoded_to_the_same_bytes(name: str) -> None:
    """Built anew from its fields, every length and count left to the encoder."""
    data = (VECTORS | WELLFORMED)[name]
    assert encode(*decode(data)).ljust(len(data), b"\0") == data


@pytest.mark.parametrize("name", VECTORS | WELLFORMED)
def test_every_cut_is_judged(name: str) -> None:
    """A cut packet is refused or decodes; nothing else is raised, and no byte is left over."""
    data = (VECTORS | WELLFORMED)[name]
    for cut in range(len(data)):
        try:
            packet, frames = decode(data[:cut])
        except Malformed:
            continue
        assert encode(packet, frames).ljust(cut, b"\0") == data[:cut]


def frame(data: bytes, port: int = 7213, network: type[Packet] = IP) -> Packet:
    return Ether(bytes(Ether() / network() / UDP(sport=40000, dport=port) / Raw(data)))


def capture(path: Path, *frames: Packet) -> Path:
    wrpcap(str(path / "capture.pcap"), list(frames))
    return path / "capture.pcap"


def test_a_capture_is_decoded(tmp_path: Path) -> None:
    padded = Ether(bytes(frame(VECTORS["reset"])) + bytes(18))
    path = capture(
        tmp_path, frame(VECTORS["open"]), frame(VECTORS["data"], network=IPv6), padded,
        frame(b"not ours", port=53),
    )  # fmt: skip
    packets = list(decode_pcap(path))
    assert [p.type for p, _ in packets] == [1, 4, 7]
    assert len(packets[1][1]) == 5


def test_a_capture_of_another_port(tmp_path: Path) -> None:
    path = capture(tmp_path, frame(VECTORS["refuse"], port=9999), frame(b"not ours"))
    assert [p.type for p, _ in decode_pcap(path, 9999)] == [5]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (VECTORS["reset"] + b"x", "bytes behind RESET"),
        (VECTORS["data"] + bytes(9000), "before it was cut"),
    ],
)
def test_a_wrong_packet_in_a_capture_is_found(tmp_path: Path, data: bytes, why: str) -> None:
    path = capture(tmp_path, frame(VECTORS["open"]), frame(data))
    with pytest.raises(Malformed, match=why):
        list(decode_pcap(path))


def test_a_capture_that_cut_packets_is_no_proof(tmp_path: Path) -> None:
    whole = frame(VECTORS["open"])
    with pytest.raises(Malformed, match="bytes were captured"):
        list(decode_pcap(capture(tmp_path, Ether(bytes(whole)[:600]))))
