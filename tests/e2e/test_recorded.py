"""A recorder on the way between hosts: what it learns from what hosts and routers say.

The hosts have no link but to a machine that forwards, and that keeps every packet. Searched is all
of it but ANSWER, CONFIRM and DATA, which belong to flows between hosts: they are not protected yet,
and ANSWER shows the ServiceID of what was opened.
"""

import base64
import contextlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from e2e.common import line, within
from scaffold import namespaces
from scaffold.lab import PORT, Host, Lab, instances_of

pytest.importorskip("scapy")

from scapy.all import PcapReader
from scapy.layers.inet import UDP
from scapy.packet import Packet

from wire.scaffold_scapy import MESSAGES, TYPES, decode

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not installed"),
]

FLOWS = {"ANSWER", "CONFIRM", "DATA"}
HOSTS = ["rhododendron", "anemone", "bellflower"]
"""The router, who serves, and who opens."""
ALIAS, LABEL, NOBODYS = "consortium", "periwinkle", "snapdragon"
SERVICE = f"{LABEL}.{ALIAS}.scaffold"
REFUSED = f"{NOBODYS}.{ALIAS}.scaffold"

_SERVES = """
import socket
listener = socket.create_server(("0.0.0.0", 4000))
print("ready", flush=True)
while True:
    listener.accept()[0].send(b"hello")
"""
_OPENS = """
import socket, sys
try:
    print(socket.create_connection((sys.argv[1], 4000), 60).recv(9).decode())
except OSError as error:
    print("errno", error.errno)
"""


def join_by_way(lab: Lab) -> str:
    """A machine that forwards between the hosts, each of which has a network of its own with it."""
    way = f"{lab.router.namespace}-way"
    namespaces.ip("netns", "add", way)
    namespaces.inside(way, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    for index, host in enumerate(lab.hosts.values()):
        assert host.namespace
        device, host.address = f"way{index}", f"10.84.{index}.2"
        namespaces.ip("link", "add", device, "netns", way, "type", "veth",
                      "peer", "name", "eth0", "netns", host.namespace)  # fmt: skip
        for namespace, end, last in ((way, device, 1), (host.namespace, "eth0", 2)):
            namespaces.ip(
                "addr", "add", f"10.84.{index}.{last}/24", "dev", end, namespace=namespace
            )
            namespaces.ip("link", "set", end, "up", namespace=namespace)
        namespaces.offloads_off(host.namespace)
        namespaces.ip("route", "add", "default", "via", f"10.84.{index}.1",
                      namespace=host.namespace)  # fmt: skip
    return way


@contextlib.contextmanager
def recorder(way: str, path: Path) -> Iterator[None]:
    """Keeps all that passes, on each link."""
    command = ["tcpdump", "-i", "any", "-y", "LINUX_SLL", "-s", "9216", "-B", "16384", "-U"]
    watch = subprocess.Popen(
        ["ip", "netns", "exec", way, *command, "--immediate-mode", "-Z", "root", "-w", path],
        stderr=subprocess.PIPE,
    )
    assert watch.stderr is not None
    while b"listening on" not in watch.stderr.readline():
        assert watch.poll() is None
    try:
        yield
    finally:
        watch.send_signal(signal.SIGINT)
        _, said = watch.communicate(timeout=20)
    assert b"\n0 packets dropped by kernel" in said


@dataclass
class Secrets:
    """What is looked for, and what it is called."""

    needles: dict[str, bytes] = field(default_factory=dict)

    def add(self, what: str, value: bytes) -> None:
        assert len(value) >= 7 or value == b"SCS1", "chance would find it"
        self.needles[what] = value

    def found_in(self, packets: list[bytes]) -> set[str]:
        return {
            what
            for what, value in self.needles.items()
            if any(value in one or value in one.lower() for one in packets)
        }

    def add_names(self) -> None:
        for name in (*HOSTS, ALIAS, LABEL, NOBODYS):
            self.add(f"name {name}", name.encode())

    def add_token(self, host: str, token: str) -> None:
        """32 bytes: what the router's key is known by, and the secret."""
        text = token.removeprefix("sc1-")
        self.add(f"token of {host}", text.encode())
        self.add(f"token of {host}, half of it", text[26:].encode())
        self.add(f"secret of {host}'s token", of_base32(text)[16:])
        self.add("the router's key in tokens", of_base32(text)[:16])

    def add_ids(self, router: Host) -> None:
        """Which provider's, and which label's, of each service that the router knows."""
        for known in router.status()["services"]:
            value = bytes.fromhex(known["id"])
            self.add(f"provider of {known['name']}", value[:16])
            self.add(f"label of {known['name']}", value[16:24])

    def add_addresses(self, router: Host) -> None:
        """Network addresses, eight bytes, by which hosts name each other in flows."""
        for known in router.status()["hosts"]:
            self.add(
                f"address of {known['name']}", bytes.fromhex(known["address"].replace(":", ""))
            )

    def add_keys(self, hosts: list[Host]) -> None:
        """Host keys, as in status and on the disk, and what they have signed."""
        for known in hosts[0].status()["hosts"]:
            self.add(f"key of {known['name']}", of_base32(known["key"]))
            self.add(f"key of {known['name']}, as text", known["key"].encode())
        for host in hosts:
            [path] = (host.runtime_dir.parent / "state").glob("*/keys/host.key")
            self.add(f"seed of {host.name}", of_base32(path.read_text().strip()))
        self.add("statement", b"SCS1")
        for host in hosts:
            for number, statement in enumerate(sorted(statements(host))):
                self.add(f"handshake key {number} of {host.name}", statement[4:36])
                self.add(f"signature {number} of {host.name}", statement[44:])


def of_base32(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


def statements(host: Host) -> set[bytes]:
    """Those that its scaffoldd has in its memory: of the keys for handshakes that it has now."""
    assert host.daemon is not None
    found: set[bytes] = set()
    folder = Path(f"/proc/{host.daemon.pid}")
    with (folder / "mem").open("rb", buffering=0) as memory:
        for words in map(str.split, (folder / "maps").read_text().splitlines()):
            if words[1].startswith("rw") and "[v" not in words[-1]:
                first, end = (int(word, 16) for word in words[0].split("-"))
                memory.seek(first)
                held = memory.read(end - first)
                # its end is 48 hours away: the upper half of the seconds is 0
                found |= set(re.findall(rb"SCS1.{32}\0{4}.{68}", held, re.DOTALL))
    assert found
    return found


class Story:
    """What hosts and a router have to say to each other, while it is recorded."""

    def __init__(self, lab: Lab, **options: str):
        self.lab, self.secrets, self.options = lab, Secrets(), options
        self.router, self.server, self.client = (lab[name] for name in HOSTS)
        self.secrets.add_names()

    @property
    def secure(self) -> bool:
        return not self.options

    def start(self, host: Host, **options: str | None) -> None:
        host.scaffoldd(**self.options, **options)
        within(60, lambda: host.status()["router_answers"])

    def join(self) -> None:
        self.start(self.router)
        for host in (self.server, self.client):
            if self.secure:
                token = self.router.invitation()
                assert token is not None
                self.secrets.add_token(host.name, token)
                self.start(host, join=token)
            else:
                self.start(host)

    def learn(self) -> None:
        """What is another after a restart is looked for, too."""
        self.secrets.add_ids(self.router)
        self.secrets.add_addresses(self.router)
        if self.secure:
            self.secrets.add_keys([self.router, self.server, self.client])

    def serve(self, service: str) -> "subprocess.Popen[bytes]":
        process = self.server.popen(
            [sys.executable, "-c", _SERVES], service=service, stdout=subprocess.PIPE
        )
        line(process, b"ready\n")
        self.lab.await_service(f"{service}:4000", process=process, timeout=60)
        return process

    def open(self, host: Host, service: str) -> str:
        return host.run([sys.executable, "-c", _OPENS, service], timeout=120).stdout.strip()

    def open_all(self) -> None:
        for host in (self.client, self.router):
            assert self.open(host, SERVICE) == "hello"
        for nobodys in (REFUSED, f"{self.router.name}.host.scaffold"):
            assert self.open(self.client, nobodys) == "errno 111"

    def restart(self, host: Host) -> None:
        host.kill_scaffoldd()
        self.start(host, join=None)
        within(60, lambda: instances_of(self.router.status(), f"{SERVICE}:4000"))

    def tell(self) -> None:
        self.join()
        self.serve(SERVICE)
        ended = self.serve(REFUSED)
        self.learn()
        self.server.end(ended)
        within(60, lambda: not instances_of(self.router.status(), f"{REFUSED}:4000"))
        self.open_all()
        for host in (self.router, self.server, self.client):
            self.restart(host)
            self.learn()
            self.open_all()


@dataclass
class Recorded:
    searched: list[bytes] = field(default_factory=list)
    """Frames, less those of flows."""
    kinds: set[str] = field(default_factory=set)
    """Of packets, "sealed" before those in channels; of plain CONTROL, the message."""


def read(path: Path) -> Recorded:
    found = Recorded()
    with PcapReader(str(path)) as reader:
        for captured in reader:
            kind = kind_of(captured)
            found.kinds.add(kind)
            if kind not in FLOWS:
                found.searched.append(bytes(captured.original))
    return found


def kind_of(captured: Packet) -> str:
    if UDP not in captured or PORT not in (captured[UDP].sport, captured[UDP].dport):
        return "of others"
    udp = captured[UDP]
    packet, _ = decode(bytes(udp.original[8 : udp.len]))
    kind: str = TYPES[packet.type]
    if packet.protected:
        return f"sealed {kind}"
    return MESSAGES[packet.payload.message] if kind == "CONTROL" else kind


def plant(host: Host, to: Host, secrets: Secrets) -> None:
    """A CONTROL packet of nobody's with each of them in it: what a recorder has to find."""
    for value in secrets.needles.values():
        header = struct.pack(">BBQIQ", 1 << 5 | 1 << 4 | 8, 16, 0, 1, 0)
        packet = header + value.ljust(64, b"\0")

        def send(packet: bytes = packet) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(packet, (to.address, PORT))

        assert host.namespace
        namespaces.enter(host.namespace, send)


@contextlib.contextmanager
def recorded_story(path: Path, **options: str) -> Iterator[Story]:
    with Lab(HOSTS, kind="namespaces", link=False) as lab:
        way = join_by_way(lab)
        try:
            with recorder(way, path):
                yield Story(lab, **options)
        finally:
            namespaces.ip("netns", "del", way)


def test_a_recorder_learns_nothing(root_only: None, tmp_path: Path) -> None:
    with recorded_story(tmp_path / "pcap") as story:
        story.tell()
    recorded = read(tmp_path / "pcap")
    assert recorded.kinds - {"of others"} - {"PROBE", "ALIVE"} == {
        *FLOWS, "GREET", "GREETED", "PROVE", "sealed CONTROL", "sealed OPEN", "sealed REFUSE",
    }  # fmt: skip
    assert story.secrets.found_in(recorded.searched) == set()


def test_the_recorder_sees_what_is_plain(root_only: None, tmp_path: Path) -> None:
    """The same without security: names, ids and addresses are all there."""
    with recorded_story(tmp_path / "pcap", security="off") as story:
        story.tell()
    recorded = read(tmp_path / "pcap")
    assert {"JOIN", "REGISTER", "LOOKUP", "OPEN", "REFUSE"} <= recorded.kinds
    assert story.secrets.found_in(recorded.searched) == set(story.secrets.needles)


def test_the_recorder_finds_each_secret(root_only: None, tmp_path: Path) -> None:
    """With security, where somebody lets all of them slip."""
    with recorded_story(tmp_path / "pcap") as story:
        story.join()
        story.learn()
        plant(story.client, story.router, story.secrets)
    recorded = read(tmp_path / "pcap")
    assert {what.split()[0] for what in story.secrets.needles} >= {"token", "seed", "signature"}
    assert story.secrets.found_in(recorded.searched) == set(story.secrets.needles)
