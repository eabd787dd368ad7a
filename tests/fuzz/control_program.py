"""A program that keeps to the control protocol when it likes to: what one process of the control
fuzzer does.

Each operation is drawn from the seed, the process, and its number alone; only what it is done to
(which of the connections that are open) depends on what came before.
"""

import array
import contextlib
import errno
import os
import random
import resource
import select
import signal
import socket
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from e2e.control import HEAD, MAGIC, REPLY, REQUEST, VERSION, Address, pack, unpack
from fuzz import control_descriptors as descriptors

HELLO, RESOLVE, REVERSE, PREPARE, _, BIND, LISTEN, UNLISTEN = range(1, 9)
FLOW_ERROR, FLOW_SET, FLOW_GET, STATUS, STOP = range(9, 14)
OPS = range(15)
MOST = 48  # connections, flows, sockets that one process holds at a time
PATIENCE_MS = 300  # for a reply that the next step needs
HONEST = [f"{host}.honest.test.scaffold" for host in "ab"]  # asked for, but not served as well
NAMES = [f"fuzz{i}.test.scaffold" for i in range(24)]
PORTS = [4000, 5000, 5001]
BAD_NAMES = ["", "x", "a..b.scaffold", "a" * 255, "ü.test.scaffold", "a.test.scaffold:99999"]
TARGETS: list[Address] = [("127.0.0.1", 5000), ("::1", 5001), ("198.18.0.1", 4000), ("::", 0)]
EDGES = [0, 1, 2, 255, 4096, 65535, 0x7FFFFFFF, 0xFFFFFFFF]


@dataclass
class Program:
    """`name`: how the abstract names of its scaffoldd begin."""

    name: str
    seed: str
    uid: int
    calls: list[socket.socket] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)
    listeners: list[socket.socket] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    names: list[bytes] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=lambda: list(TARGETS))
    log: list[str] = field(default_factory=list)

    # --- a request -----------------------------------------------------------------------------

    def request(self, r: random.Random, op: int, body: bytes = b"") -> bytes:
        """Mostly as it should be; one in eight is not, somewhere."""
        whole = bytearray(struct.pack("=IHHQ", MAGIC, VERSION, op, 0) + body)
        whole = whole[:REQUEST].ljust(REQUEST, b"\0")
        if r.random() < 0.125:
            for _ in range(r.randint(1, 4)):
                at = r.randrange(len(whole))
                whole[at] = r.choice([0, 1, 0xFF, r.randrange(256)])
        if r.random() < 0.03:
            whole = whole[: r.randrange(len(whole) + 1)]
        elif r.random() < 0.02:
            whole += r.randbytes(r.randrange(400))
        if self.uid == 0 and whole[6:8] == struct.pack("=H", STOP):
            whole[6:8] = struct.pack("=H", HELLO)  # root may stop scaffoldd
        return bytes(whole)

    def send(self, call: socket.socket, request: bytes, *fds: int) -> None:
        rights = [(*descriptors.RIGHTS, array.array("i", fds))] if fds else []
        with contextlib.suppress(OSError):
            call.sendmsg([request], rights)

    def reply(self, call: socket.socket) -> tuple[int, Address] | None:
        """Error and address; None when there is none within a moment."""
        poll = select.poll()
        poll.register(call, select.POLLIN)
        if not poll.poll(PATIENCE_MS):
            return None
        try:
            raw, fds, _, _ = socket.recv_fds(call, REPLY, 1)
        except OSError:
            return None
        self.take(fds)
        if len(raw) != REPLY:
            return None
        error: int = struct.unpack_from("=i", raw, 8)[0]
        self.log.append(errno.errorcode.get(error, str(error)))
        return error, unpack(*struct.unpack_from("=16sH", raw, 24))

    def take(self, fds: list[int]) -> None:
        """Sockets of its own, those at a file among its listeners; what else comes is closed."""
        for fd in fds:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                one = socket.socket(fileno=fd)
                one.setblocking(False)
                name = one.getsockname()
                is_file = isinstance(name, str)
                (self.listeners if is_file else self.sockets).append(one)
                self.names.append(os.fsencode(name) if is_file else name[1:])
            else:
                os.close(fd)

    def ask(self, r: random.Random, call: socket.socket, op: int, body: bytes, *fds: int) -> bool:
        """Sends, and mostly waits for the answer; True when that was a good one."""
        self.send(call, self.request(r, op, body), *fds)
        answer = self.reply(call) if r.random() < 0.9 else None
        if answer is None or answer[0] != 0:
            return False
        if answer[1] != ("::", 0):
            self.addresses.append(answer[1])
        return True

    # --- what it has ---------------------------------------------------------------------------

    def dial(self) -> socket.socket | None:
        try:
            control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            control.setblocking(False)
            control.connect(f"\0{self.name}/ctl")
        except OSError:
            return None
        self.calls.append(control)
        return self.calls[-1]

    def some_call(self, r: random.Random) -> socket.socket | None:
        """A new one, or one that is open, which scaffoldd may have left."""
        if self.calls and r.random() < 0.2:
            return r.choice(self.calls)
        return self.dial()

    def bound_name(self, kind: str, own: Address, serial: int, family: str = "4") -> bytes:
        ip, port = pack(own)
        text = ip.hex() if ":" in own[0] else ip[12:].hex()
        return f"{self.name}/{kind}/{family}-/{text}:{port:04x}/{serial:x}".encode()

    def address(self, r: random.Random) -> Address:
        ip, port = r.choice(self.addresses[-64:] + TARGETS)
        return ip, port or r.choice(PORTS)

    def trim(self, r: random.Random) -> None:
        """Lets go of what is too much, in no order."""
        while len(self.calls) > MOST:
            self.calls.pop(r.randrange(len(self.calls))).close()
        while len(self.sockets) > MOST:
            self.sockets.pop(r.randrange(len(self.sockets))).close()
        while len(self.listeners) > MOST:
            self.listeners.pop(r.randrange(len(self.listeners))).close()
        while len(self.kept) > MOST:
            os.close(self.kept.pop(r.randrange(len(self.kept))))
        del self.names[:-64]

    # --- operations ----------------------------------------------------------------------------

    def resolve(self, r: random.Random) -> None:
        call = self.some_call(r)
        name = r.choice(NAMES + HONEST * 4 if r.random() < 0.9 else BAD_NAMES)
        if call:
            self.ask(r, call, RESOLVE, name.encode())

    def reverse(self, r: random.Random) -> None:
        call = self.some_call(r)
        ip, port = pack(self.address(r))
        if call:
            self.ask(r, call, REVERSE, struct.pack("=16sHB32s", ip, port, r.randrange(2), b""))

    def prepare_body(self, r: random.Random, port: int = 0) -> bytes:
        """Half of them wait for the outcome, half may be connected at once."""
        ip, to = pack(self.address(r))
        family, datagram, wildcard = ord(r.choice("46s")), r.random() < 0.3, r.randrange(2)
        head = struct.pack("=BBHBB16sH", 0, family, port, datagram, wildcard, ip, to)
        flags = r.randrange(2), r.randrange(2), r.random() < 0.3  # waits, direct, abort_on_close
        timeout_ms = r.choice([0, 50, 50, 100, *EDGES])
        return head + struct.pack("=35xB22xBBBxxxI", *flags, r.choice([0, 0, 1]), timeout_ms)

    def prepare(self, r: random.Random) -> None:
        call = self.some_call(r)
        port = r.choice([0] * 8 + [4242, r.randrange(65536)])
        if call:
            self.ask(r, call, PREPARE, self.prepare_body(r, port))

    def connect(self, r: random.Random) -> None:
        """As a program does, up to where the dice say."""
        call = self.dial()
        if not call:
            return
        given = self.ask(r, call, PREPARE, self.prepare_body(r))
        if r.random() < 0.3:  # what it does with its socket comes before the outcome
            self.use(r)
        if given and r.random() < 0.5:
            self.reply(call)
        if r.random() < 0.7:
            self.calls.remove(call)
            call.close()

    def pass_anything(self, r: random.Random) -> None:
        """With a request, or behind it."""
        call = self.some_call(r)
        what, (passed, kept) = descriptors.some(r)
        self.log.append(what)
        if r.random() < 0.1 and self.calls:
            passed.append(os.dup(r.choice(self.calls).fileno()))  # perhaps this very one
        if r.random() < 0.1 and self.sockets:
            passed.append(os.dup(r.choice(self.sockets).fileno()))
        if call:
            if r.random() < 0.4:
                self.ask(r, call, PREPARE, self.prepare_body(r))
            op = PREPARE if r.random() < 0.8 else r.choice(OPS)
            self.send(call, self.request(r, op, self.prepare_body(r)), *passed)
        for fd in passed:
            os.close(fd)
        self.kept += kept
        if call and r.random() < 0.3:
            self.reply(call)

    def bind(self, r: random.Random) -> None:
        """A service, up to where the dice say: reserved, bound, listening, listening again."""
        call = self.some_call(r)
        if not call:
            return
        datagram = r.random() < 0.2
        ip, port = pack(r.choice([("127.0.0.1", r.choice([0, *PORTS])), ("::", 0)]))
        name = r.choice([*NAMES, ""]) if r.random() < 0.9 else r.choice(BAD_NAMES)
        flags = [r.random() < 0.1, ord("4"), r.random() < 0.2, r.random() < 0.2, datagram, 0]
        body = struct.pack("=256s16sHBBBBBB", name.encode(), ip, port, *flags)
        before = len(self.listeners)
        if not self.ask(r, call, BIND, body) or len(self.listeners) == before:
            return
        with contextlib.suppress(OSError):
            self.listeners[-1].listen(r.choice([0, 1, 4096]))
        for _ in range(r.randrange(3)):
            self.listen(r, self.listeners[-1], self.names[-1])

    def listen(self, r: random.Random, own: socket.socket, text: bytes) -> None:
        """One in ten shows another socket than it says, or none."""
        call = self.some_call(r)
        if not call:
            return
        shown = [own] if r.random() < 0.9 else r.sample([*self.listeners, *self.sockets], 1)
        body = struct.pack("=108sI", text, r.choice([0, 1, 128, *EDGES]))
        fds = [one.fileno() for one in shown if r.random() < 0.95]
        self.ask(r, call, LISTEN, body, *fds)

    def accept(self, r: random.Random) -> None:
        """What waits, or some of it."""
        for one in r.sample(self.listeners, min(len(self.listeners), 8)):
            with contextlib.suppress(OSError):
                other, name = one.accept()
                other.setblocking(False)
                self.sockets.append(other)
                if r.random() < 0.7:  # as libscaffold does
                    serial = int(name.rpartition(b"/")[2], 16)
                    other.send(b"\0scaffold accept" + struct.pack("=Q", serial))

    def unlisten(self, r: random.Random) -> None:
        call = self.some_call(r)
        if call and self.names:
            body = struct.pack("=108sI", r.choice(self.names), 0)
            self.send(call, self.request(r, UNLISTEN, body))

    def flow(self, r: random.Random) -> None:
        call = self.some_call(r)
        if not call:
            return
        known = [*self.names, b"", b"nothing", self.bound_name("p", ("127.0.0.1", 7), 5)]
        body = struct.pack("=108s108sII", r.choice(known), r.choice(known), r.randrange(12), 1)
        self.ask(r, call, r.choice([FLOW_ERROR, FLOW_SET, FLOW_GET]), body)

    def tool(self, r: random.Random) -> None:
        call = self.some_call(r)
        if call:
            self.ask(r, call, r.choice([HELLO, HELLO, STATUS, STOP]), b"")

    def garbage(self, r: random.Random) -> None:
        call = self.some_call(r)
        if call:
            self.send(call, r.choice([b"", r.randbytes(r.randrange(700)), bytes(REQUEST)]))

    def use(self, r: random.Random) -> None:
        """What programs do with their sockets once they have them."""
        if not self.sockets:
            return
        one = r.choice(self.sockets)
        with contextlib.suppress(OSError, ValueError):
            match r.randrange(7):
                case 0:
                    one.recv(70000)
                case 1:
                    one.send(r.randbytes(r.choice([1, 100, 60000])))
                case 2:
                    one.shutdown(r.choice([socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR]))
                case 3:
                    one.send(b"!", socket.MSG_OOB)
                case 4:
                    passed, kept = descriptors.some(r)[1]
                    self.kept += passed + kept
                    one.sendmsg([b"r"], [(*descriptors.RIGHTS, array.array("i", passed))])
                case 5:
                    ip, port = pack(self.address(r))
                    head = HEAD.pack(r.randrange(6), 0, 0, r.randrange(2), 0, ip, port, ip, port)
                    one.send(head + r.randbytes(r.choice([0, 9, 9000])))
                case 6:
                    linger = struct.pack("ii", 1, 0)
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def squat(self, r: random.Random) -> None:
        """A name that is another's, if it can be guessed."""
        kind, serial = r.choice("bcdpe"), r.choice([0, 1, 2, 3, r.randrange(1 << 16)])
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        self.sockets.append(one)
        with contextlib.suppress(OSError):
            one.bind(b"\0" + self.bound_name(kind, self.address(r), serial))
            one.listen(1)

    def ask_on(self, r: random.Random) -> None:
        """Answers, with sockets perhaps, that it does not take, and what it does then."""
        call = self.some_call(r)
        if not call:
            return
        for _ in range(r.randint(1, 3)):
            op = r.choice([PREPARE, PREPARE, STATUS, HELLO])
            self.send(call, self.request(r, op, self.prepare_body(r)))
        if r.random() < 0.3:
            with contextlib.suppress(OSError):
                call.shutdown(r.choice([socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR]))

    def hang_up(self, r: random.Random) -> None:
        for _ in range(r.randint(1, 5)):
            if self.calls:
                self.calls.pop(r.randrange(len(self.calls))).close()

    def close(self, r: random.Random) -> None:
        for _ in range(r.randint(1, 5)):
            mine = r.choice([self.sockets, self.sockets, self.listeners])
            if mine:
                mine.pop(r.randrange(len(mine))).close()
            if self.kept:
                os.close(self.kept.pop(r.randrange(len(self.kept))))

    def fork(self, r: random.Random) -> None:
        """Another holder of everything, which goes at once, while this one goes on."""
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)

    def die(self, r: random.Random) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def perform(self, number: int) -> str:
        """Does operation `number`; returns its name."""
        r = random.Random(f"{self.seed}/{number}")
        name = r.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        self.log.clear()
        operation: Callable[[random.Random], object] = getattr(self, name)
        with contextlib.suppress(OSError):  # no descriptor, or no memory, is left here
            operation(r)
        self.trim(r)
        return " ".join([name, *self.log])


WEIGHTS = {
    "resolve": 6,
    "reverse": 3,
    "prepare": 6,
    "connect": 20,
    "pass_anything": 20,
    "bind": 12,
    "accept": 10,
    "unlisten": 3,
    "flow": 6,
    "tool": 3,
    "garbage": 4,
    "use": 24,
    "squat": 2,
    "ask_on": 4,
    "hang_up": 6,
    "close": 8,
    "fork": 0.3,
    "die": 0.15,
}


def become(uid: int) -> None:
    """This process has no more rights than that user, who may not even read Python's modules."""
    "x".encode("idna")  # what sockets would load later
    if uid:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
