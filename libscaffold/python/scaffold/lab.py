"""Hosts on one machine, for benchmarks, the demonstration and tests.

As root each host is a network namespace with a link to the others; otherwise each is a scaffoldd of
its own on a loopback port. Everything started in a lab ends with it, whatever happens in between.

    with Lab(["a", "b"]) as lab:
        lab.start()
        server = lab["b"].popen(["python3", "-m", "http.server"], service="web.demo.scaffold")
        lab.await_service("web.demo.scaffold:8000", process=server)
        lab["a"].run(["wget", "http://web.demo.scaffold:8000/"])
"""

import contextlib
import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from . import daemon, launch, namespaces
from .control import AnotherVersion, Control
from .errors import NoDaemon, ServiceError

PORT = 7213
_END_S = 3.0


def ported_programs() -> Path | None:
    """Where programs are that need no shim: the folder that SCAFFOLD_PROGRAMS names."""
    folder = os.environ.get("SCAFFOLD_PROGRAMS")
    return Path(folder) if folder else None


class Host:
    """One host of a lab. Made by Lab."""

    def __init__(self, lab: "Lab", name: str, namespace: str | None, address: str, port: int):
        self.name = name
        self.lab = lab
        self.namespace = namespace
        self.address = address
        """The IP address that other hosts of the lab reach it at."""
        self.port = port
        """scaffoldd's UDP port."""
        self.runtime_dir = lab.folder / name / "run"
        self.daemon: subprocess.Popen[bytes] | None = None
        self.prefix: tuple[str, ...] = ("ip", "netns", "exec", namespace) if namespace else ()
        self._processes: list[subprocess.Popen[Any]] = []

    def scaffoldd(self, **options: Any) -> subprocess.Popen[bytes]:
        """Start this host's scaffoldd and wait until it answers. Options: daemon.Options."""
        router = self.lab.router
        if router is not None and router is not self:
            options.setdefault("router", f"{router.address}:{router.port}")
            if "join" not in options and options.get("security") != "off":
                options["join"] = router.invitation()
        options.setdefault("name", self.name)
        options.setdefault("port", self.port)
        options.setdefault("state_dir", self.runtime_dir.parent / "state")
        options.setdefault("build", self.lab.build)
        options.setdefault("insecure_network", self.namespace is not None)
        self.runtime_dir.parent.mkdir(parents=True, exist_ok=True)
        if self.lab.allow_uids and "config" not in options:
            options["config"] = self.runtime_dir.parent / "scaffoldd.toml"
            options["config"].write_text(f"[allow]\nuids = {list(self.lab.allow_uids)}\n")
        settings = daemon.Options(prefix=self.prefix, **options)
        self.daemon = self._start(settings)
        return self.daemon

    def _start(self, settings: daemon.Options) -> subprocess.Popen[bytes]:
        """A port of the machine's that was free may be somebody else's now: then another one, as
        long as nobody was told of it.
        """
        while True:
            try:
                return daemon.start(self.runtime_dir, settings)
            except ServiceError as error:
                chosen = self.namespace is None and settings.port == self.port
                if not chosen or self.daemon is not None or ": in use;" not in str(error):
                    raise
            self.port = _free_port()
            settings = replace(settings, port=self.port)

    def invitation(self) -> str | None:
        """A token with which a host joins this router; None: it is not there, or takes none."""
        try:
            with Control(self.runtime_dir) as control:
                return control.invite()
        except ServiceError:
            return None

    def status(self) -> dict[str, Any]:
        """What `scaffold status --json` says on this host."""
        with Control(self.runtime_dir) as control:
            try:
                return control.status()
            except AnotherVersion as other:  # of a build that is older, or newer
                return control.status(other.version)

    def log(self) -> str:
        """What scaffoldd has written so far."""
        path = self.runtime_dir / "scaffoldd.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def environment(self, command: Sequence[str] = (), **settings: Any) -> dict[str, str]:
        """The environment of a program under the shim on this host (see launch.environment)."""
        settings.setdefault("build", self.lab.build)
        return launch.environment(self.runtime_dir, command=command, **settings)

    def popen(
        self,
        command: Sequence[str | Path],
        *,
        shim: bool = True,
        service: str | None = None,
        publish: Sequence[str] = (),
        all_local: bool = False,
        env: dict[str, str] | None = None,
        user: int | None = None,
        **options: Any,
    ) -> subprocess.Popen[Any]:
        """Start a program on this host, under the shim unless told otherwise, or it is ported.

        `env` is added to the environment; `options` are those of subprocess.Popen. The program is
        the leader of a process group of its own, which ends with the lab.
        """
        words = [str(word) for word in command]
        values = dict(os.environ)
        if shim:
            values = self.environment(words, service=service, publish=publish, all_local=all_local)
            if Path(words[0]).parent == ported_programs():
                del values["LD_PRELOAD"]
        else:
            values["SCAFFOLD_RUNTIME_DIR"] = str(self.runtime_dir)
        values.update(env or {})
        process = subprocess.Popen(
            [*self._launcher(values, user), *words],
            start_new_session=True,
            env=values,
            **options,
        )
        self._processes.append(process)
        return process

    def _launcher(self, values: dict[str, str], user: int | None) -> list[str]:
        """What goes before the program: the shim is for the program alone, not for these."""
        words = list(self.prefix)
        if user is not None:
            words += ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        if words and "LD_PRELOAD" in values:
            words += ["env", f"LD_PRELOAD={values.pop('LD_PRELOAD')}"]
        return words

    def run(
        self, command: Sequence[str | Path], *, timeout: float = 60.0, **options: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end, its output captured; at most `timeout` seconds."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("stdin", subprocess.DEVNULL)
        process = self.popen(command, text=True, **options)
        try:
            output, errors = process.communicate(timeout=timeout)
        finally:
            self.end(process)
        return subprocess.CompletedProcess(list(command), process.returncode, output, errors)

    def end(self, process: subprocess.Popen[Any]) -> None:
        """End one of this host's programs, with the group that it leads."""
        end(process)
        self._processes = [other for other in self._processes if other is not process]

    def unreachable(self) -> None:
        """Cut this host off: its link goes down, or its scaffoldd is stopped where it stands."""
        if self.namespace:
            namespaces.ip("link", "set", namespaces.INTERFACE, "down", namespace=self.namespace)
        elif self.daemon:
            self.daemon.send_signal(signal.SIGSTOP)

    def kill_scaffoldd(self) -> None:
        """`kill -9`, and wait for its end."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    def close(self) -> None:
        """End everything started here."""
        for process in reversed(self._processes):
            end(process)
        if self.daemon:
            self.daemon.send_signal(signal.SIGCONT)
            end(self.daemon)


def end(process: subprocess.Popen[Any]) -> None:
    """End a program and its process group: politely, then not. Returns when it is reaped."""
    for order in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, order)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            continue
        break
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream and not stream.closed:
            stream.close()


@dataclass
class Lab:
    """Some hosts and the link between them; a context manager.

    Two namespaces share one veth pair; more of them, a bridge.
    """

    names: Sequence[str]
    router: Any = None
    """Name of the host that is the service router; the first by default."""
    kind: str | None = None
    """"namespaces" or "loopback"; by default what this process may use."""
    rate: str | None = None
    """Shape every link to this rate, as tc writes it; namespaces only."""
    drop_per_mille: int = 0
    """Drop so many of 1,000 packets that arrive at each host; namespaces only."""
    mtu: int = 1500
    offloads: bool = True
    allow_uids: Sequence[int] = ()
    """Other users who may serve on these hosts: programs that drop their privileges."""
    link: bool = True
    """False: namespaces without a link between them, for a test that makes its own."""
    build: Path | None = None
    """A build tree whose scaffoldd and shim these hosts have; the installed ones otherwise."""
    hosts: dict[str, Host] = field(default_factory=dict, init=False)
    folder: Path = field(default=Path(), init=False)

    def __enter__(self) -> Self:
        """Make the hosts; their scaffoldds are started by `start` or one by one."""
        if self.kind is None:
            self.kind = "namespaces" if namespaces.available() else "loopback"
        if self.kind == "loopback" and (self.rate or self.drop_per_mille):
            raise ServiceError(1, "shaping and loss need network namespaces, hence root")
        self.folder = Path(tempfile.mkdtemp(prefix="scaffold-lab-"))
        self._namespaces: list[str] = []
        _watch(self)
        try:
            if self.kind == "namespaces":
                self._make_namespaces()
            else:
                for name in self.names:
                    self.hosts[name] = Host(self, name, None, "127.0.0.1", _free_port())
            self.router = self.hosts[self.router or self.names[0]]
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def start(self, **options: Any) -> None:
        """Start every host's scaffoldd, the router's first."""
        self.router.scaffoldd(**options)
        for host in self.hosts.values():
            if host is not self.router:
                host.scaffoldd(**options)
        for host in self.hosts.values():
            self._await_router(host)

    def _await_router(self, host: Host, timeout: float = 5.0) -> None:
        """Wait until a host has joined: its first word may be lost, and is then repeated.

        A router that cannot be reached is left to the test to find out.
        """
        deadline = time.monotonic() + timeout
        while not host.status()["router_answers"] and time.monotonic() < deadline:
            time.sleep(0.02)

    def close(self) -> None:
        """End every process, remove the namespaces and the files."""
        for host in self.hosts.values():
            host.close()
        for name in self._namespaces:
            try:
                namespaces.ip("netns", "del", name)
            except ServiceError as error:
                print(f"lab: {error}")
        self._namespaces = []
        shutil.rmtree(self.folder, ignore_errors=True)
        _unwatch(self)

    def await_service(
        self,
        service: str,
        *,
        instances: int = 1,
        on: str | None = None,
        process: subprocess.Popen[Any] | None = None,
        timeout: float = 15.0,
    ) -> None:
        """Wait until a host (the router unless `on` names one) knows so many instances.

        Gives up at once when `process`, which should serve it, has ended.
        """
        host = self.hosts[on] if on else self.router
        deadline = time.monotonic() + timeout
        while len(programs_of(host.status(), service)) != instances:
            if process is not None and process.poll() is not None:
                raise ServiceError(5, f"{process.args!r} ended with {process.returncode}")
            if time.monotonic() > deadline:
                raise ServiceError(
                    110, f"{service} has not got {instances} instances within {timeout:g} s"
                )
            time.sleep(0.02)

    def capture(self, host: str) -> namespaces.Capture | None:
        """Watch a host's link; None where hosts share the loopback interface."""
        target = self.hosts[host]
        return namespaces.Capture(target.namespace, target.port) if target.namespace else None

    def _make_namespaces(self) -> None:
        stem = f"sc{os.getpid()}x{_next_number()}"
        names = {name: f"{stem}-{name}" for name in self.names}
        bridge = f"{stem}-link"
        wanted = [*names.values(), *([bridge] if len(names) > 2 else [])]
        for namespace in wanted:
            namespaces.ip("netns", "add", namespace)
            self._namespaces.append(namespace)
            namespaces.raise_loopback(namespace)
        if not self.link:
            pass
        elif len(names) == 2:
            namespaces.connect_pair(*names.values())
        elif len(names) > 2:
            namespaces.connect_bridge(bridge, list(names.values()))
        for index, (name, namespace) in enumerate(names.items()):
            address = f"10.83.0.{index + 1}"
            if self.link and len(names) > 1:
                namespaces.configure(namespace, address, self.mtu)
                self._condition(namespace)
            self.hosts[name] = Host(self, name, namespace, address, PORT)

    def _condition(self, namespace: str) -> None:
        if not self.offloads or self.drop_per_mille:
            namespaces.offloads_off(namespace)
        if self.rate:
            namespaces.shape(namespace, self.rate)
        if self.drop_per_mille:
            namespaces.drop(namespace, self.drop_per_mille)


def instances_of(status: dict[str, Any], service: str) -> list[dict[str, Any]]:
    """The instances of a service in a status document; a name without protocol means tcp."""
    wanted = service.removesuffix("/tcp")
    for known in status["services"]:
        if known["name"].removesuffix("/tcp") == wanted:
            return list(known["instances"])
    return []


def programs_of(status: dict[str, Any], service: str) -> set[tuple[str, int]]:
    """Who serves it, as (host, pid): one that listens on 0.0.0.0 and [::] is one."""
    return {(one["host"], one["pid"]) for one in instances_of(status, service)}


_numbers = iter(range(1 << 30))


_open: list[Lab] = []
"""What SIGTERM, which ends Python without a word, would leave behind."""


def _watch(lab: Lab) -> None:
    _open.append(lab)
    if _handles(signal.SIG_DFL):
        signal.signal(signal.SIGTERM, _end_with_labs)


def _unwatch(lab: Lab) -> None:
    _open[:] = [one for one in _open if one is not lab]
    if not _open and _handles(_end_with_labs):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _handles(handler: object) -> bool:
    """Whether it may be replaced: a handler of somebody else's stays."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and signal.getsignal(signal.SIGTERM) is handler


def _end_with_labs(number: int, _: object) -> None:
    for lab in reversed(_open):
        lab.close()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _next_number() -> int:
    return next(_numbers)


_PORTS = range(16384, 32768)
"""Below those that the kernel gives to sockets (32768 and up): one of its own would be another
socket's while a scaffoldd is started again."""


def _free_port() -> int:
    for port in random.sample(_PORTS, len(_PORTS)):
        if _is_free(port):
            return port
    raise ServiceError(errno.EADDRINUSE, "no UDP port is free for a scaffoldd")


def _is_free(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
    return True


__all__ = ["Host", "Lab", "NoDaemon", "end", "instances_of"]
