"""The decoder that was written from docs/protocol.md reads what the C encoder writes."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("scapy")

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
)

VECTORS = {
    name: bytes.fromhex(text)
    for name, text in (
        line.split() for line in (Path(__file__).parent / "vectors.txt").read_text().splitlines()
    )
}


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
    assert len(VECTORS["open"]) == 1200
    assert (body.src, body.src_flow, body.open_id, body.attempt) == (5, 6, 7, 1)
    assert body.service[28:32] == bytes([0x1F, 0x90, 6, 1])
    assert body.exclude == [100, 200]
    assert body.cookie == bytes([9, 8, 7])
    assert (body.origin[0].family, body.origin[0].port) == (4, 7213)
    assert body.origin[0].ip[:4] == bytes([10, 0, 0, 7])


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


def test_abort_ping_and_padding() -> None:
    _, frames = decode(VECTORS["abort"])
    assert isinstance(frames[0], Abort) and frames[0].reason == 1
    assert isinstance(frames[1], Ping)
    assert len(frames) == 7 and all(isinstance(f, Padding) for f in frames[2:])


@pytest.mark.parametrize("name", ["open", "answer", "refuse", "retry", "reset"])
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
