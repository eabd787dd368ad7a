"""What a lab needs from the kernel: network namespaces, links, offloads, shaping, loss, capture.

Everything here needs root. Nothing outside the namespaces that a lab made is touched.
"""

import array
import ctypes
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import ServiceError

INTERFACE = "eth0"

_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL = 0x8946
# ETHTOOL_STXCSUM stays on: only what merges packets matters to a lossy link.
_ETHTOOL_OFFLOADS = {"tso": 0x1F, "gso": 0x24, "gro": 0x2C}
_SO_ATTACH_FILTER = 26
_ETH_P_ALL = 0x0003

T = TypeVar("T")


def available() -> bool:
    """True when this process may make network namespaces and has the tools for it."""
    if os.geteuid() != 0:
        return False
    name = f"sc{os.getpid()}-probe"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
    except ServiceError:
        return False
    return True


def ip(*arguments: str, namespace: str | None = None) -> str:
    """Run `ip`; its output. ServiceError carries its message."""
    return _tool("ip", *(("-n", namespace) if namespace else ()), *arguments)


def inside(namespace: str, *command: str) -> str:
    """Run a tool inside a namespace; its output."""
    return _tool("ip", "netns", "exec", namespace, *command)


def _tool(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ServiceError(
            2, f"{command[0]} is not installed (Debian: iproute2, nftables)"
        ) from None
    if done.returncode != 0:
        raise ServiceError(1, f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def enter(namespace: str, work: Callable[[], T]) -> T:
    """Call `work` on a thread that has entered the namespace; sockets that it makes stay there."""
    results: list[T] = []
    failures: list[BaseException] = []

    def body() -> None:
        try:
            fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(fd, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns {namespace}")
            finally:
                os.close(fd)
            results.append(work())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


# --- links ----------------------------------------------------------------------------------------


def raise_loopback(namespace: str) -> None:
    """Bring `lo` up, with 127.0.0.1 and ::1; the kernel makes it without."""
    ip("link", "set", "lo", "up", namespace=namespace)


def connect_pair(first: str, second: str) -> None:
    """One veth pair between two namespaces, `eth0` in both."""
    ip("link", "add", INTERFACE, "netns", first, "type", "veth",
       "peer", "name", INTERFACE, "netns", second)  # fmt: skip


def connect_bridge(bridge: str, hosts: list[str]) -> None:
    """A bridge in a namespace of its own, with a veth pair to each host."""
    ip("link", "add", "br0", "type", "bridge", namespace=bridge)
    ip("link", "set", "br0", "up", namespace=bridge)
    for index, host in enumerate(hosts):
        port = f"p{index}"
        ip("link", "add", INTERFACE, "netns", host, "type", "veth",
           "peer", "name", port, "netns", bridge)  # fmt: skip
        ip("link", "set", port, "master", "br0", namespace=bridge)
        ip("link", "set", port, "up", namespace=bridge)


def configure(namespace: str, address: str, mtu: int) -> None:
    """Bring `eth0` up with an address of 10.83.0.0/16 and no IPv6 of its own accord."""
    inside(namespace, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6 || true")
    ip("addr", "add", f"{address}/16", "dev", INTERFACE, namespace=namespace)
    ip("link", "set", INTERFACE, "mtu", str(mtu), "up", namespace=namespace)


def congestion(namespace: str, name: str) -> None:
    """Let TCP use this congestion control on every IPv4 route of a namespace, its own host's too.

    A namespace cannot always set the default, which is the machine's.
    """
    for route in json.loads(ip("-4", "-j", "route", "show", "table", "all", namespace=namespace)):
        if route.get("type", "unicast") in ("unicast", "local"):
            ip("route", "change", *_words(route), "congctl", name, namespace=namespace)


def _words(route: dict[str, Any]) -> list[str]:
    """What names a route to `ip`; the state of its link does not."""
    names = {"dev": "dev", "protocol": "proto", "scope": "scope", "prefsrc": "src"}
    words = [route.get("type", "unicast"), route["dst"], "table", route.get("table", "main")]
    return words + [
        word for key, name in names.items() if key in route for word in (name, route[key])
    ]


def shape(namespace: str, rate: str) -> None:
    """Let `eth0` send at most `rate` (as tc writes it, "1gbit"), with 10 ms of queue."""
    inside(namespace, "tc", "qdisc", "replace", "dev", INTERFACE, "root", "tbf",
           "rate", rate, "burst", "256kb", "latency", "10ms")  # fmt: skip


def drop(namespace: str, per_mille: int) -> None:
    """Drop so many of 1,000 arriving packets; offloads must be off, or whole trains go."""
    rules = (
        "table inet lab { chain input { type filter hook input priority 0; policy accept; "
        f'iifname "{INTERFACE}" numgen random mod 1000 < {per_mille} counter drop; }}; }}'
    )
    inside(namespace, "nft", rules)


def dropped(namespace: str) -> int:
    """How many packets `drop` has dropped in a namespace so far."""
    rules = inside(namespace, "nft", "list", "table", "inet", "lab")
    return sum(int(count) for count in re.findall(r"packets (\d+)", rules))


def offloads_off(namespace: str, interface: str = INTERFACE) -> None:
    """Switch segmentation and receive offloads of an interface off."""

    def work() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for command in _ETHTOOL_OFFLOADS.values():
                value = array.array("B", struct.pack("II", command, 0))
                request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
                fcntl.ioctl(control, _SIOCETHTOOL, request + bytes(16))

    enter(namespace, work)
    # UDP's trains have no switch of this kind; a device that takes one segment gets them cut.
    ip("link", "set", interface, "gso_max_segs", "1", namespace=namespace)


def link_bytes(namespace: str) -> int:
    """Bytes that `eth0` has sent and received so far."""
    link: Any = json.loads(ip("-s", "-j", "link", "show", INTERFACE, namespace=namespace))[0]
    return int(link["stats64"]["rx"]["bytes"]) + int(link["stats64"]["tx"]["bytes"])


# --- capture --------------------------------------------------------------------------------------

# Classic BPF over an Ethernet frame: keeps every IP packet that is not UDP from or to the port.
# ARP, IGMP and ICMPv6 (neighbour discovery) belong to the link, not to a program. One line is one
# instruction: code, operand, and for jumps the labels for true and false ("" is the next line).
_LDH, _LDB, _LDH_X, _LDX_IHL, _JEQ, _JSET, _RET = 0x28, 0x30, 0x48, 0xB1, 0x15, 0x45, 0x06


def foreign_filter(port: int) -> bytes:
    """The filter as `struct sock_filter` instructions."""
    lines: list[tuple[str, int, int, str, str]] = [
        ("", _LDH, 12, "", ""),
        ("", _JEQ, 0x0800, "", "six"),
        ("", _LDB, 23, "", ""),
        ("", _JEQ, socket.IPPROTO_IGMP, "skip", ""),
        ("", _JEQ, socket.IPPROTO_UDP, "", "keep"),
        ("", _LDH, 20, "", ""),
        ("", _JSET, 0x1FFF, "keep", ""),  # a later fragment shows no port
        ("", _LDX_IHL, 14, "", ""),
        ("", _LDH_X, 14, "", ""),
        ("", _JEQ, port, "skip", ""),
        ("", _LDH_X, 16, "", ""),
        ("", _JEQ, port, "skip", "keep"),
        ("six", _JEQ, 0x86DD, "", "skip"),
        ("", _LDB, 20, "", ""),
        ("", _JEQ, socket.IPPROTO_ICMPV6, "skip", ""),
        ("", _JEQ, 0, "skip", ""),  # hop-by-hop options: multicast listener reports
        ("", _JEQ, socket.IPPROTO_UDP, "", "keep"),
        ("", _LDH, 54, "", ""),
        ("", _JEQ, port, "skip", ""),
        ("", _LDH, 56, "", ""),
        ("", _JEQ, port, "skip", "keep"),
        ("keep", _RET, 0xFFFF, "", ""),
        ("skip", _RET, 0, "", ""),
    ]
    labels = {line[0]: index for index, line in enumerate(lines) if line[0]}
    program = b""
    for index, (_, code, operand, true, false) in enumerate(lines):
        jumps = [labels[label] - index - 1 if label else 0 for label in (true, false)]
        program += struct.pack("=HBBI", code, *jumps, operand)
    return program


class Capture:
    """Watches a host's link for anything but SCAFFOLD's own packets."""

    def __init__(self, namespace: str, port: int) -> None:
        """Start to watch `eth0` of a namespace, where `port` is scaffoldd's."""
        self._namespace = namespace
        self._socket = enter(namespace, lambda: _packet_socket(foreign_filter(port)))
        self._bytes = link_bytes(namespace)

    def bytes(self) -> int:
        """Bytes that crossed the link since the start, in both directions."""
        return link_bytes(self._namespace) - self._bytes

    def foreign(self) -> list[str]:
        """What else crossed the link: one line for each packet, at most 20."""
        lines: list[str] = []
        while len(lines) < 20:
            try:
                lines.append(_describe(self._socket.recv(256)))
            except BlockingIOError:
                break
        return lines

    def close(self) -> None:
        """Stop watching."""
        self._socket.close()


def _packet_socket(program: bytes) -> socket.socket:
    watch = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    watch.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)
    watch.bind((INTERFACE, _ETH_P_ALL))
    watch.setblocking(False)
    return watch


def _describe(frame: bytes) -> str:
    kind = int.from_bytes(frame[12:14], "big")
    if kind != 0x0800 or len(frame) < 34:
        return f"ethertype {kind:#06x}, {len(frame)} bytes"
    ports = struct.unpack_from("!HH", frame, 14 + (frame[14] & 15) * 4)
    source, target = (socket.inet_ntoa(frame[i : i + 4]) for i in (26, 30))
    return f"IP protocol {frame[23]}: {source}:{ports[0]} to {target}:{ports[1]}"
