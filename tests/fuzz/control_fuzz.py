"""The control fuzzer: programs of three users that keep to no protocol, and what scaffoldd owes to
everybody else meanwhile and afterwards.

Two hosts; the programs are on `a`, which is not the router. Each process of theirs performs
operations (control_program.py) until it has done its number, the time is over, or it dies; then
another takes its place.
"""

import contextlib
import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.control_program import Program, become
from scaffold.control import _abstract_name
from scaffold.lab import Host, Lab

HONEST = Path(__file__).with_name("control_honest.py")
SERVICE = "honest.test.scaffold"
PORT = 4000
USERS = [0, 61001, 61002]  # root, who runs scaffoldd; one who may serve; one who may not
MAY_SERVE = 61001
CLONE_NEWNET = 0x40000000
REPORT = re.compile(r"(ERROR: \w+Sanitizer|runtime error:|Assertion .* failed).*")


@dataclass
class Outcome:
    """What to say of a run."""

    seed: int
    operations: int = 0
    processes: int = 0
    answers: int = 0
    """Of honest services."""
    settled_s: float = 0
    """Until everything was as before, once all had gone."""
    wrong: list[str] = field(default_factory=list)


def _enter(host: Host) -> None:
    """This process, for good; nothing where hosts share a network namespace."""
    if not host.namespace:
        return
    fd = os.open(f"/run/netns/{host.namespace}", os.O_RDONLY | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def _perform(program: Program, numbers: range, until: float, report: int) -> None:
    """Writes the number and the name of each operation before it is done."""
    for number in numbers:
        if time.monotonic() > until:
            return
        os.write(report, b"%d\n" % number)
        said = program.perform(number)
        if "SCAFFOLD_FUZZ_LOG" in os.environ:
            print(f"{program.seed}/{number} uid {program.uid}: {said}", file=sys.stderr)


class Worker:
    """One place among the programs: a process, or the next one after it has died."""

    def __init__(self, host: Host, seed: str, uid: int, operations: int, until: float):
        self.host, self.seed, self.uid, self.until = host, seed, uid, until
        self.operations = operations
        self.done = 0
        self.processes = 0
        self.pid = self.reader = -1
        self.start()

    def start(self) -> None:
        self.reader, writer = os.pipe()
        self.processes += 1
        self.pid = os.fork()
        if self.pid:
            os.close(writer)
            return
        status = 1
        try:
            os.close(self.reader)
            _enter(self.host)
            become(self.uid)
            name = _abstract_name(0, self.host.runtime_dir)[1:-4].decode()
            program = Program(name, self.seed, self.uid)
            _perform(program, range(self.done, self.operations), self.until, writer)
            status = 0
        except BaseException as error:  # the child must not become a second parent
            print(f"control_fuzz: {self.seed}: {error!r}", file=sys.stderr)
        finally:
            os._exit(status)

    def step(self) -> bool:
        """Reads what was done. False when this place is empty for good."""
        if text := os.read(self.reader, 1 << 16):
            self.done = int(text.split()[-1]) + 1
            return True
        os.close(self.reader)
        _, status = os.waitpid(self.pid, 0)
        if status not in (0, signal.SIGKILL):
            raise RuntimeError(f"the fuzzer's own process ended with {status}")
        if self.done >= self.operations or time.monotonic() > self.until:
            return False
        self.start()
        return True


def _work(workers: list[Worker], honest: "Honest", hosts: list[Host], wrong: list[str]) -> None:
    """Until all have done what they had to, or something is wrong."""
    waiting = {worker.reader: worker for worker in workers}
    while waiting and not wrong:
        for fd in select.select(list(waiting), [], [], 1)[0]:
            worker = waiting.pop(fd)
            if worker.step():
                waiting[worker.reader] = worker
        wrong += honest.wrong()
        wrong += [f"{host.name}: scaffoldd has ended" for host in hosts if _has_ended(host)]
    for worker in waiting.values():  # something was wrong
        os.kill(worker.pid, signal.SIGKILL)
        os.waitpid(worker.pid, 0)
        os.close(worker.reader)


def _has_ended(host: Host) -> bool:
    return host.daemon is None or host.daemon.poll() is not None


class Honest:
    """Services of both hosts, and a program on `a` that asks both of them in turn."""

    def __init__(self, lab: Lab):
        self.host = lab["a"]
        self.answers = 0
        for host in (lab["a"], lab["b"]):
            name = f"{host.name}.{SERVICE}"
            command = [sys.executable, str(HONEST), "serve", str(PORT)]
            server = host.popen(command, service=name, stdout=subprocess.PIPE)
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            lab.await_service(f"{name}:{PORT}", process=server)

    def start_asking(self) -> None:
        services = [word for name in "ab" for word in (f"{name}.{SERVICE}", str(PORT))]
        pipe = subprocess.PIPE
        command = [sys.executable, str(HONEST), "ask", *services]
        self.client = self.host.popen(command, stdout=pipe, stderr=pipe)
        assert self.client.stdout is not None
        os.set_blocking(self.client.stdout.fileno(), False)

    def wrong(self) -> list[str]:
        assert self.client.stdout is not None
        with contextlib.suppress(BlockingIOError):
            self.answers += os.read(self.client.stdout.fileno(), 1 << 16).count(b"same\n")
        if self.client.poll() is None:
            return []
        assert self.client.stderr is not None
        return [f"an honest program: {self.client.stderr.read().decode().strip()}"]

    def await_answers(self, seconds: float = 60) -> list[str]:
        """One more of each service, which proves that they answer now."""
        goal, until = self.answers + 3, time.monotonic() + seconds
        while self.answers < goal and time.monotonic() < until:
            if wrong := self.wrong():
                return wrong
            time.sleep(0.02)
        return [] if self.answers >= goal else ["no honest service answers any more"]

    def stop_asking(self) -> None:
        self.host.end(self.client)


def _descriptors(host: Host) -> list[str]:
    """What scaffoldd has open, as /proc names it."""
    assert host.daemon is not None
    names = []
    for link in Path(f"/proc/{host.daemon.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            names.append(str(link.readlink()))
    return names


def _sockets(host: Host) -> str:
    """What the kernel says of scaffoldd's."""
    assert host.daemon is not None
    command = ["ss", "--all", "--numeric", "--processes", "--extended"]
    namespace = ["ip", "netns", "exec", host.namespace] if host.namespace else []
    listed = subprocess.run([*namespace, *command], capture_output=True, text=True).stdout
    mine = f"pid={host.daemon.pid},"
    return "\n".join(line for line in listed.splitlines() if mine in line)


def _belongings(host: Host) -> dict[str, int]:
    """What must be as before once all have gone."""
    status = host.status()
    return {
        "descriptors": len(_descriptors(host)),
        "flows": len(status["flows"]),
        "instances": sum(len(one["instances"]) for one in status["services"]),
    }


def _least(host: Host) -> dict[str, int]:
    """The same of an idle host, whose last control connection may not be closed yet."""
    looks = [_belongings(host) for _ in range(20)]
    return {key: min(look[key] for look in looks) for key in looks[0]}


def _is_settled(now: dict[str, int], before: dict[str, int]) -> bool:
    """Before, a connection may have been open that is closed by now."""
    descriptors = min(now["descriptors"], before["descriptors"])
    return now == before | {"descriptors": descriptors}


def _settle(hosts: list[Host], before: list[dict[str, int]], seconds: float) -> tuple[float, str]:
    """How long until all is as before, and what is not."""
    start = time.monotonic()
    while not all(map(_is_settled, now := [_least(host) for host in hosts], before)):
        if time.monotonic() - start > seconds:
            open_now = Counter(re.sub(r"\d+", "N", name) for h in hosts for name in _descriptors(h))
            for host in hosts:
                print(f"--- sockets of {host.name}\n{_sockets(host)}", file=sys.stderr)
            return seconds, f"before: {before}; {seconds:g} s later: {now}, {dict(open_now)}"
        time.sleep(0.1)
    return time.monotonic() - start, ""


def _stop(host: Host) -> list[str]:
    """A clean end finds what was leaked, and shares that nobody gave back."""
    assert host.daemon is not None
    host.daemon.terminate()
    try:
        code = host.daemon.wait(60)
    except subprocess.TimeoutExpired:
        return [f"{host.name}: scaffoldd does not end"]
    reports = [match[0] for match in REPORT.finditer(host.log())]
    return reports or ([f"{host.name}: scaffoldd ended with {code}"] if code else [])


@contextlib.contextmanager
def _limited(host: Host, descriptors: int | None) -> Iterator[None]:
    """What is started on this host meanwhile has no more descriptors than that."""
    prefix = host.prefix
    if descriptors:
        host.prefix = (*prefix, "prlimit", f"--nofile={descriptors}:{descriptors}")
    yield
    host.prefix = prefix


def fuzz(
    seed: int,
    *,
    descriptors: int | None = None,
    operations: int = 1 << 30,
    seconds: float = 1e9,
    processes: int = 6,
    settle_s: float = 90,
) -> Outcome:
    """`operations` of each process at most; scaffoldd may have so many descriptors. Needs root:
    there are several users.
    """
    outcome = Outcome(seed)
    wrong = outcome.wrong
    with Lab(["a", "b"], router="b", allow_uids=[MAY_SERVE]) as lab:
        with _limited(lab["a"], descriptors):
            lab.start()
        hosts = [lab["a"], lab["b"]]
        honest = Honest(lab)
        before = [_least(host) for host in hosts]
        honest.start_asking()
        until = time.monotonic() + seconds
        users = USERS[1:] if descriptors else USERS  # root may have everything, and would
        workers = [
            Worker(lab["a"], f"{seed}/{i}", users[i % len(users)], operations, until)
            for i in range(processes)
        ]
        _work(workers, honest, hosts, wrong)
        if not wrong:
            wrong += honest.await_answers()
        honest.stop_asking()
        if not wrong:
            outcome.settled_s, difference = _settle(hosts, before, settle_s)
            wrong += [difference] if difference else []
        for host in hosts:
            wrong += _stop(host)
            if wrong:
                print(f"--- {host.name}\n{host.log()[-4000:]}", file=sys.stderr)
        outcome.operations = sum(worker.done for worker in workers)
        outcome.processes = sum(worker.processes for worker in workers)
        outcome.answers = honest.answers
    return outcome
