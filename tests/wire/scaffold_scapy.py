"""An independent decoder of SCAFFOLD's packets, written from docs/protocol.md alone.

`decode(payload)` decodes one UDP payload; `decode_pcap(path, port)` every SCAFFOLD packet of a
capture. Anything that the specification does not allow raises `Malformed`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from scapy.all import PcapReader
from scapy.fields import (
    BitEnumField,
    BitField,
    ByteEnumField,
    ByteField,
    ConditionalField,
    Field,
    FieldLenField,
    FieldListField,
    IntField,
    LongField,
    PacketField,
    PacketListField,
    ShortEnumField,
    ShortField,
    StrField,
    StrFixedLenField,
    StrLenField,
    XIntField,
    XLongField,
)
from scapy.layers.inet import UDP
from scapy.packet import NoPayload, Packet, Raw, bind_layers

PORT = 7213
TYPES = {
    1: "OPEN",
    2: "ANSWER",
    3: "CONFIRM",
    4: "DATA",
    5: "REFUSE",
    6: "RETRY",
    7: "RESET",
    8: "CONTROL",
    9: "DATAGRAM",
}
MESSAGES = {
    1: "JOIN",
    2: "JOINED",
    3: "REGISTER",
    4: "UNREGISTER",
    5: "REGISTERED",
    6: "REFRESH",
    7: "REFRESHED",
    8: "LOOKUP",
    9: "MAPPING",
    10: "WHERE",
    11: "THERE",
    12: "PROBE",
    13: "ALIVE",
    14: "GREET",
    15: "GREETED",
    16: "PROVE",
    17: "AGAIN",
}
REQUESTS = {1, 3, 4, 6, 8, 10, 12, 14}
OPEN_LEN_MIN = 1164
SEALED = {1, 5, 8}
"""Types of packets that are sealed in channels between hosts and routers."""
SEALED_LEN_MIN = 58
REQUEST_LEN_MIN = 512
NO_NUMBER = (1 << 64) - 1
DATAGRAM_MAX = 8972
PAYLOAD_MAX = 65507  # of a program's datagram


class Malformed(ValueError):
    """The bytes are not what docs/protocol.md allows."""


class Int48Field(Field[int, bytes]):
    """Six bytes, big-endian."""

    def __init__(self, name: str, default: int) -> None:
        super().__init__(name, default, "6s")

    def addfield(self, pkt: Packet, s: bytes, val: int | None) -> bytes:
        return s + int(val or 0).to_bytes(6, "big")

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int]:
        return s[6:], int.from_bytes(s[:6], "big")


class Underlay(Packet):
    name = "underlay"
    fields_desc = [
        ByteEnumField("family", 0, {0: "none", 4: "IPv4", 6: "IPv6"}),
        ShortField("port", 0),
        StrFixedLenField("ip", b"", 16),
    ]

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        return b"", s


# --- frames -------------------------------------------------------------------------------------


class _Frame(Packet):
    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        return b"", s


class Padding(_Frame):
    name = "PADDING"
    fields_desc = [ByteField("type", 0)]


class Ping(_Frame):
    name = "PING"
    fields_desc = [ByteField("type", 1)]


class AckRange(_Frame):
    name = "range"
    fields_desc = [IntField("gap", 1), IntField("length", 1)]


class Ack(_Frame):
    name = "ACK"
    fields_desc = [
        ByteField("type", 2),
        LongField("largest", 0),
        IntField("delay_us", 0),
        FieldLenField("n", None, fmt="B", count_of="ranges", adjust=lambda _p, x: x + 1),
        IntField("first", 1),
        PacketListField("ranges", [], AckRange, count_from=lambda p: p.n - 1),
    ]


class AckEcn(Ack):
    name = "ACK_ECN"
    fields_desc = [*Ack.fields_desc, IntField("ect0", 0), IntField("ect1", 0), IntField("ce", 0)]


class Stream(_Frame):
    name = "STREAM"
    fields_desc = [
        ByteField("type", 4),
        Int48Field("offset", 0),
        StrLenField("data", b"", length_from=lambda _p: 1 << 16),
    ]


class StreamWithLength(_Frame):
    name = "STREAM with length"
    fields_desc = [
        ByteField("type", 6),
        Int48Field("offset", 0),
        FieldLenField("len", None, fmt="H", length_of="data"),
        StrLenField("data", b"", length_from=lambda p: p.len),
    ]


class Window(_Frame):
    name = "WINDOW"
    fields_desc = [ByteField("type", 8), LongField("window", 0)]


class Abort(_Frame):
    name = "ABORT"
    fields_desc = [
        ByteField("type", 9),
        ShortEnumField(
            "reason", 1, {1: "reset", 2: "refused", 3: "protocol", 4: "no memory", 5: "timeout"}
        ),
    ]


class Urgent(_Frame):
    name = "URGENT"
    fields_desc = [ByteField("type", 10), Int48Field("offset", 0)]


class Echo(_Frame):
    name = "ECHO"
    fields_desc = [ByteField("type", 11), XLongField("data", 0)]


FRAMES: dict[int, tuple[type[_Frame], int]] = {
    # class, and the least length that the frame has
    0x00: (Padding, 1),
    0x01: (Ping, 1),
    0x02: (Ack, 18),
    0x03: (AckEcn, 30),
    0x04: (Stream, 7),
    0x05: (Stream, 7),
    0x06: (StreamWithLength, 9),
    0x07: (StreamWithLength, 9),
    0x08: (Window, 9),
    0x09: (Abort, 3),
    0x0A: (Urgent, 7),
    0x0B: (Echo, 9),
    0x0C: (Echo, 9),
}


def _check_ack(ack: Ack) -> None:
    lengths = [ack.first, *(r.length for r in ack.ranges)]
    gaps = [r.gap for r in ack.ranges]
    if not 1 <= ack.n <= 32 or len(ack.ranges) != ack.n - 1:
        raise Malformed(f"ACK with {ack.n} ranges")
    if min(lengths) < 1 or (gaps and min(gaps) < 1):
        raise Malformed("ACK with an empty range or gap")
    if sum(lengths) + sum(gaps) > ack.largest + 1:
        raise Malformed("ACK below packet 0")
    if ack.largest == NO_NUMBER:
        raise Malformed("ACK of the packet number that is never used")


def decode_frames(data: bytes) -> list[_Frame]:
    """Every frame of a CONFIRM or DATA packet, to its last byte."""
    frames: list[_Frame] = []
    while data:
        if data[0] not in FRAMES:
            raise Malformed(f"frame type {data[0]:#x}")
        cls, least = FRAMES[data[0]]
        try:
            frame = cls(data) if len(data) >= least else None
        except struct.error:  # the fields behind a list that takes all there is
            frame = None
        if frame is None or _length(frame) > len(data):
            raise Malformed(f"short {cls.__name__}")
        length = _length(frame)
        if isinstance(frame, Ack):
            _check_ack(frame)
        if isinstance(frame, (Stream, StreamWithLength)) and (
            frame.offset + len(frame.data) > (1 << 48) - 1
        ):
            raise Malformed("STREAM beyond 2^48 - 1")
        frame.remove_payload()
        frames.append(frame)
        data = data[length:]
    return frames


def _length(frame: _Frame) -> int:
    if isinstance(frame, AckEcn):
        return 30 + 8 * (int(frame.n) - 1)
    if isinstance(frame, Ack):
        return 18 + 8 * (int(frame.n) - 1)
    if isinstance(frame, Stream):
        return 7 + len(frame.data)
    if isinstance(frame, StreamWithLength):
        return 9 + int(frame.len)
    return FRAMES[frame.type][1]


# --- packets ------------------------------------------------------------------------------------


class ScaffoldPacket(Packet):
    """The common header; the body is the payload layer of the type."""

    name = "SCAFFOLD"
    fields_desc = [
        BitField("version", 1, 3),
        BitField("protected", 0, 1),
        BitEnumField("type", 4, 4, TYPES),
        ByteField("hop_limit", 16),
        XLongField("dst", 0),
        XIntField("flow", 0),
        LongField("number", 0),
    ]

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        return BODIES.get(self.type, Raw)


class Open(Packet):
    name = "OPEN"
    fields_desc = [
        XLongField("src", 0),
        XIntField("src_flow", 1),
        XLongField("open_id", 0),
        StrFixedLenField("service", b"", 32),
        ByteField("attempt", 0),
        XIntField("src_pool", 0),
        ShortField("src_port", 0),
        PacketField("origin", Underlay(), Underlay),
        FieldLenField("n", None, fmt="B", count_of="exclude"),
        FieldListField("exclude", [], XLongField("", 0), count_from=lambda p: p.n),
        FieldLenField("cookie_len", None, fmt="B", length_of="cookie"),
        StrLenField("cookie", b"", length_from=lambda p: p.cookie_len),
        FieldLenField("handshake_len", None, fmt="H", length_of="handshake"),
        StrLenField("handshake", b"", length_from=lambda p: p.handshake_len),
    ]


class Answer(Packet):
    name = "ANSWER"
    fields_desc = [
        XLongField("src", 0),
        XIntField("src_flow", 1),
        XLongField("open_id", 0),
        StrFixedLenField("service", b"", 32),
        XIntField("src_pool", 0),
        LongField("window", 0),
        XLongField("epoch", 0),
        StrFixedLenField("token", b"", 16),
        FieldLenField("handshake_len", None, fmt="H", length_of="handshake"),
        StrLenField("handshake", b"", length_from=lambda p: p.handshake_len),
    ]


class Confirm(Packet):
    name = "CONFIRM"
    fields_desc = [
        XLongField("src", 0),
        XLongField("open_id", 0),
        LongField("window", 0),
        XLongField("epoch", 0),
        StrFixedLenField("token", b"", 16),
        FieldLenField("handshake_len", None, fmt="H", length_of="handshake"),
        StrLenField("handshake", b"", length_from=lambda p: p.handshake_len),
    ]


class Data(Packet):
    name = "DATA"
    fields_desc: ClassVar[list[Any]] = []


class Refuse(Packet):
    name = "REFUSE"
    fields_desc = [
        XLongField("src", 0),
        XLongField("open_id", 0),
        ByteEnumField(
            "reason", 1, {1: "no instance", 2: "instance", 3: "not allowed", 4: "no route"}
        ),
    ]


class Retry(Packet):
    name = "RETRY"
    fields_desc = [
        XLongField("open_id", 0),
        FieldLenField("cookie_len", None, fmt="B", length_of="cookie"),
        StrLenField("cookie", b"", length_from=lambda p: p.cookie_len),
    ]


class Reset(Packet):
    name = "RESET"
    fields_desc = [XLongField("src", 0), StrFixedLenField("token", b"", 16)]


FROM, UNDELIVERED = 4, 8


class Datagram(Packet):
    name = "DATAGRAM"
    fields_desc = [
        XLongField("src", 0),
        XIntField("src_pool", 0),
        ShortField("src_port", 0),
        PacketField("origin", Underlay(), Underlay),
        XLongField("choice", 0),
        ByteField("flags", 0),
        ByteField("ttl", 0),
        ByteField("tos", 0),
        ShortField("total", 0),
        ShortField("offset", 0),
        StrFixedLenField("to", b"", 32),
        ConditionalField(StrFixedLenField("sender", b"", 32), lambda p: p.flags & FROM),
        StrField("data", b""),
    ]


class Control(Packet):
    name = "CONTROL"
    fields_desc = [ByteEnumField("message", 1, MESSAGES), XLongField("src", 0)]

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        return CONTROL_BODIES.get(self.message, Raw)


def _string(name: str) -> list[Any]:
    return [
        FieldLenField(f"{name}_len", None, fmt="B", length_of=name),
        StrLenField(name, b"", length_from=lambda p: getattr(p, f"{name}_len")),
    ]


class _Later:
    """A field that was appended later: absent is zero, and zeros at the end are absent."""

    def getfield(self, packet: Packet, data: bytes) -> Any:
        if not data:
            return data, self.default  # type: ignore[attr-defined]
        return super().getfield(packet, data)  # type: ignore[misc]

    def addfield(self, packet: Packet, data: bytes, value: Any) -> bytes:
        names = [field.name for field in packet.fields_desc]
        rest = names[names.index(self.name) :]  # type: ignore[attr-defined]
        if not any(
            value.strip(b"\0") if isinstance(value, bytes) else value
            for value in (packet.getfieldval(name) for name in rest)
        ):
            return data
        return bytes(super().addfield(packet, data, value))  # type: ignore[misc]


class LaterByte(_Later, ByteField):
    pass


class LaterInt(_Later, IntField):
    pass


class LaterKey(_Later, StrFixedLenField):
    """An Ed25519 public key."""

    def __init__(self, name: str) -> None:
        super().__init__(name, b"", 32)


class LaterLength(_Later, FieldLenField):
    pass


class LaterBytes(_Later, StrLenField):
    pass


def _grant() -> list[Any]:
    """What a provider lets a host do, where there is one: see Grant."""
    return [
        LaterLength("grant_len", None, fmt="H", length_of="grant"),
        LaterBytes("grant", b"", length_from=lambda p: p.grant_len or 0),
    ]


class Denial(_Frame):
    """A service that is not registered."""

    fields_desc = [StrFixedLenField("service", b"", 32), ByteField("why", 1)]


class Join(Packet):
    fields_desc = [
        *_string("host"),
        XLongField("epoch", 0),
        StrFixedLenField("token", b"", 16),
    ]


class Joined(Packet):
    fields_desc = [
        XLongField("address", 0),
        XIntField("pool", 0),
        IntField("lease_ms", 0),
        XLongField("epoch", 0),
        LaterByte("trouble", 0),
        LaterInt("names", 0),
        LaterKey("key"),
        *_grant(),
    ]


class Register(Packet):
    fields_desc = [
        XLongField("epoch", 0),
        IntField("serial", 0),
        ByteField("flags", 0),
        FieldLenField("n", None, fmt="B", count_of="services"),
        FieldListField("services", [], StrFixedLenField("", b"", 32), count_from=lambda p: p.n),
        *_grant(),
    ]


class Registered(Packet):
    fields_desc = [
        IntField("serial", 0),
        LaterLength("n", None, fmt="B", count_of="denials"),
        PacketListField("denials", [], Denial, count_from=lambda p: p.n or 0),
        *_grant(),
    ]


class Refresh(Packet):
    fields_desc = [XLongField("epoch", 0), IntField("registered", 0), XLongField("digest", 0)]


class Refreshed(Packet):
    fields_desc = [
        ByteEnumField("state", 0, {0: "fine", 1: "register", 2: "join"}),
        LaterInt("reuses", 0),
    ]


class Lookup(Packet):
    fields_desc = [
        ByteEnumField("by", 1, {1: "name", 2: "pool", 3: "service"}),
        *_string("label"),
        XIntField("pool", 0),
        StrFixedLenField("service", b"", 32),
    ]


class Mapping(Packet):
    fields_desc = [
        ByteEnumField(
            "status",
            0,
            {0: "found", 1: "unknown", 2: "exhausted", 3: "share", 4: "unstored"},
        ),
        *_string("label"),
        StrFixedLenField("service", b"", 32),
        XIntField("pool", 0),
        LaterByte("flags", 0),
        LaterByte("trouble", 0),
        LaterKey("key"),
    ]


class Where(Packet):
    fields_desc = [XLongField("address", 0)]


class There(Packet):
    fields_desc = [
        XLongField("address", 0),
        PacketField("underlay", Underlay(), Underlay),
    ]


class Epoch(Packet):
    fields_desc = [XLongField("epoch", 0)]


_HANDSHAKE = [
    FieldLenField("handshake_len", None, length_of="handshake"),
    StrLenField("handshake", b"", length_from=lambda p: p.handshake_len),
]


_COOKIE = [
    FieldLenField("cookie_len", None, fmt="B", length_of="cookie"),
    StrLenField("cookie", b"", length_from=lambda p: p.cookie_len),
]


class Greet(Packet):
    fields_desc = [XIntField("channel", 0), ByteField("suite", 1), *_HANDSHAKE, *_COOKIE]


class Handshake(Packet):
    fields_desc = _HANDSHAKE


class Again(Packet):
    fields_desc = _COOKIE


BODIES: dict[int, type[Packet]] = {
    1: Open,
    2: Answer,
    3: Confirm,
    4: Data,
    5: Refuse,
    6: Retry,
    7: Reset,
    8: Control,
    9: Datagram,
}
CONTROL_BODIES: dict[int, type[Packet]] = {
    1: Join,
    2: Joined,
    3: Register,
    4: Register,
    5: Registered,
    6: Refresh,
    7: Refreshed,
    8: Lookup,
    9: Mapping,
    10: Where,
    11: There,
    12: Epoch,
    13: Epoch,
    14: Greet,
    15: Handshake,
    16: Handshake,
    17: Again,
}
bind_layers(UDP, ScaffoldPacket, dport=PORT)
bind_layers(UDP, ScaffoldPacket, sport=PORT)


def _fields(layer: Packet) -> bytes:
    """A layer's own bytes, built from its values: scapy puts defaults where bytes were missing."""
    data = b""
    for field in layer.fields_desc:
        data = field.addfield(layer, data, layer.getfieldval(field.name))
    return data


def _anew(layer: Packet) -> bytes:
    """A layer built from its values, its lengths and counts computed again."""
    values = {
        field.name: layer.getfieldval(field.name)
        for field in layer.fields_desc
        if not isinstance(field, FieldLenField)
    }
    return bytes(type(layer)(**values))


def _split(layer: Packet, data: bytes) -> bytes:
    """What stands behind a layer's own fields, which have to be whole.

    Bytes that are missing at the end of a list or string show in its count, computed again.
    """
    own = b"" if isinstance(layer, (NoPayload, Raw)) else _fields(layer)
    if not own or data[: len(own)] != own or _anew(layer) != own:
        raise Malformed(f"short {layer.name}")
    return data[len(own) :]


def _zeros(data: bytes, what: str) -> None:
    if data.strip(b"\0"):
        raise Malformed(f"{what}: padding is not zero")


def _is_canonical(u: Packet) -> bool:
    used = {0: 0, 4: 4, 6: 16}.get(u.family)
    whole = used is not None and len(u.ip) == 16
    return whole and not any(u.ip[used:]) and (u.family != 0 or u.port == 0)


# What a value must be, beyond having the right size.
RULES: dict[type[Packet], Callable[[Packet], bool]] = {
    Open: lambda p: (
        p.src_flow != 0 and p.n <= 16 and p.cookie_len <= 32 and _is_canonical(p.origin)
    ),
    Answer: lambda p: p.src_flow != 0,
    Refuse: lambda p: 1 <= p.reason <= 4,
    Retry: lambda p: p.cookie_len <= 32,
    Datagram: lambda p: (
        p.flags < 16
        and p.total <= PAYLOAD_MAX
        and p.offset + len(p.data) <= p.total
        and (p.total == 0 if p.flags & UNDELIVERED else len(p.data) > 0 or p.total == 0)
        and _is_canonical(p.origin)
    ),
    Join: lambda p: 0 not in p.host,
    Register: lambda p: p.n <= 12 and p.flags <= 3,
    Registered: lambda p: (
        (p.n or 0) <= 12
        and len(p.denials) == (p.n or 0)
        and all(isinstance(each, Denial) and 1 <= each.why <= 6 for each in p.denials)
    ),
    Refreshed: lambda p: p.state <= 2,
    Lookup: lambda p: 1 <= p.by <= 3 and 0 not in p.label,
    Mapping: lambda p: p.status <= 4 and p.flags <= 3 and 0 not in p.label,
    There: lambda p: _is_canonical(p.underlay),
    Greet: lambda p: p.cookie_len <= 32,
    Again: lambda p: p.cookie_len <= 32,
}


def _check_rules(layer: Packet) -> None:
    if type(layer) in RULES and not RULES[type(layer)](layer):
        raise Malformed(f"{layer.name}: a value that is not allowed")


def _check_control(body: Packet, data: bytes, total: int) -> None:
    if body.message not in MESSAGES:
        raise Malformed(f"CONTROL message {body.message}")
    if body.message in REQUESTS and total < REQUEST_LEN_MIN:
        raise Malformed("a request shorter than its answer may be")
    if body.message not in REQUESTS and total > REQUEST_LEN_MIN:
        raise Malformed("an answer longer than its request")
    _zeros(_split(body.payload, data), MESSAGES[body.message])
    _check_rules(body.payload)


def _check_header(packet: ScaffoldPacket) -> None:
    sealed = packet.protected and packet.type in SEALED
    if packet.version != 1 or (packet.protected and not sealed):
        raise Malformed(f"version {packet.version}, protected {packet.protected}")
    if packet.type not in BODIES:
        raise Malformed(f"packet type {packet.type}")
    if packet.number == NO_NUMBER and packet.type != 8:
        raise Malformed("the packet number that is never used")


def decode(payload: bytes) -> tuple[ScaffoldPacket, list[_Frame]]:
    """One UDP payload: the packet, and the frames of CONFIRM and DATA. Raises `Malformed`."""
    if len(payload) < 22:
        raise Malformed("shorter than the header")
    packet = ScaffoldPacket(payload)
    _check_header(packet)
    if packet.protected:
        if len(payload) < SEALED_LEN_MIN:
            raise Malformed("shorter than a packet in a channel")
        return packet, []
    if packet.type == 4:
        return packet, decode_frames(payload[22:])
    body = packet.payload
    rest = _split(body, payload[22:])
    _check_rules(body)
    if packet.type == 1:
        if len(payload) < OPEN_LEN_MIN:
            raise Malformed("short OPEN")
        _zeros(rest, "OPEN")
    elif packet.type == 3:
        return packet, decode_frames(rest)
    elif packet.type == 8:
        _check_control(body, rest, len(payload))
    elif rest:
        raise Malformed(f"bytes behind {TYPES[packet.type]}")
    return packet, []


def encode(packet: ScaffoldPacket, frames: list[_Frame]) -> bytes:
    """What `decode` returned, as bytes; without the zeros that pad OPEN and CONTROL."""
    data = b""
    layer: Packet = packet
    while not isinstance(layer, (NoPayload, Raw)) and layer.fields_desc:
        data += _anew(layer)
        layer = layer.payload
    return data + b"".join(_anew(frame) for frame in frames)


def _payload(udp: Packet) -> bytes:
    """A datagram as it was sent: without the frame's padding, and only if all of it is there."""
    data = bytes(udp.original[8:])
    length = int(udp.len) - 8
    if len(data) < length:
        raise Malformed(f"{len(data)} of {length} bytes were captured")
    if length > DATAGRAM_MAX:
        raise Malformed(
            f"{length} bytes: a train that was captured before it was cut into datagrams; "
            "capture with Lab(offloads=False) or ethtool -K DEVICE tx-udp-segmentation off"
        )
    return data[:length]


def decode_pcap(
    path: Path | str, port: int = PORT
) -> Iterator[tuple[ScaffoldPacket, list[_Frame]]]:
    """Every packet of SCAFFOLD's port in a capture. Raises `Malformed` at the first wrong one.

    A short train whose datagrams were not cut yet cannot be told from one datagram: capture without
    segmentation offload. (Between network namespaces a train stays one even where it arrives.)
    """
    with PcapReader(str(path)) as reader:
        for captured in reader:
            if UDP in captured and port in (captured[UDP].sport, captured[UDP].dport):
                yield decode(_payload(captured[UDP]))
