"""Questions and orders to a running scaffoldd, over its control socket."""

import array
import os
import select
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from . import paths
from ._native import ffi, lib
from .errors import NoDaemon, NotAllowed, ServiceError

_ANSWER_S = 10.0

_UNMAPPED = 65534
"""Every user without a number in this user namespace has this one."""


def answers(runtime_dir: Path) -> int | None:
    """The pid of the scaffoldd of a runtime directory; None when none answers."""
    try:
        with Control(runtime_dir) as control:
            control.hello()
            return control.pid
    except NoDaemon:
        return None


class AnotherVersion(ServiceError):
    """The scaffoldd that answers is of another release, and speaks this version."""

    def __init__(self, pid: int, version: int):
        super().__init__(
            71,
            f"scaffoldd (pid {pid}) speaks version {version} of the local interface, this command"
            f" {lib.SC_CTL_VERSION}; `scaffold down`, and start it again from the same"
            " installation",
        )
        self.version = version


class Control:
    """Calls of one scaffoldd; a context manager. Each is a connection, a request and a reply."""

    def __init__(self, runtime_dir: Path) -> None:
        """Connect to the scaffoldd of a runtime directory; NoDaemon when none answers."""
        self.runtime_dir = runtime_dir
        self._open()

    def _open(self) -> None:
        self._asked = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.settimeout(_ANSWER_S)
            self._connect()
            self.pid, uid = self._peer()
            if uid not in (0, paths.trusted_uid(self.runtime_dir)):
                raise NotAllowed(
                    13,
                    f"{self.runtime_dir}/ctl is answered by uid {uid}, not by the directory's"
                    " owner; choose another --runtime-dir",
                )
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def hello(self) -> None:
        """Check that both sides speak the same version; ServiceError with a line if not. Every
        version answers.
        """
        self._ask(lib.SC_CTL_HELLO)

    def status(self, version: int = lib.SC_CTL_VERSION) -> dict[str, Any]:
        """Hosts, services and flows as scaffoldd sees them: `docs/schemas/status.schema.json`; of
        one of another version, whatever it says.
        """
        fd = self._ask(lib.SC_CTL_STATUS, version)
        if fd is None:
            raise ServiceError(71, "scaffoldd sent no status; are both of the same version?")
        from .status import assemble  # `scaffold run` has no use for it

        try:
            return assemble(_read_all(fd))
        finally:
            os.close(fd)

    def invite(self, uses: int = 1, seconds: int = 86400) -> str:
        """A token with which so many hosts can join this router, for so long."""

        def fill(request: Any) -> None:
            request.invite.uses, request.invite.seconds = uses, seconds

        self._ask(lib.SC_CTL_INVITE, fill=fill)
        return self._text

    def forget_host(self, name: str) -> None:
        """Let a host of this router go: its key does not let it join any more."""
        text = name.encode("utf-8", "surrogateescape")
        if len(text) > 63:
            raise ServiceError(2, f"{name}: a host's name has 63 bytes at most")

        def fill(request: Any) -> None:
            request.host.name = text

        self._ask(lib.SC_CTL_FORGET_HOST, fill=fill)

    def trust(self, alias: str, key: bytes, replace: bool = False) -> None:
        """Say which key a provider's alias stands for on this host."""

        def fill(request: Any) -> None:
            request.trust.alias = alias.encode("utf-8", "surrogateescape")[:63]
            request.trust.key = key
            request.trust.replace = replace

        self._ask(lib.SC_CTL_TRUST, fill=fill)

    def new_provider(self) -> str:
        """Make a provider's key, which scaffoldd keeps; its hash, which stands in its names."""
        self._ask(lib.SC_CTL_NEW_PROVIDER)
        return self._name

    def grant(self, name: str, host: bytes, ports: tuple[int, int, int], days: int) -> bytes:
        """Let the host of this key serve `PATTERN.PROVIDER.scaffold`, whose provider's key this
        host has, at `ports` (first, last, protocol or 0), from now on.
        """
        text = name.encode("utf-8", "surrogateescape")
        if len(text) > 253:
            raise ServiceError(22, f"{name}: a name has 253 characters at most")

        def fill(request: Any) -> None:
            it = request.grant
            it.name, it.host, it.flags, it.days = text, host, 1, days
            it.first_port, it.last_port, it.proto = ports

        fd = self._ask(lib.SC_CTL_GRANT, fill=fill)
        if fd is None:
            raise ServiceError(71, "scaffoldd sent no grant; are both of the same version?")
        try:
            return _read_all(fd)
        finally:
            os.close(fd)

    def install(self, grant: bytes) -> None:
        """Take a grant for this host."""
        if len(grant) > lib.SC_CTL_GRANT_MAX:
            raise ServiceError(22, "that is no grant: it is too long")

        def fill(request: Any) -> None:
            request.install.len = len(grant)
            request.install.grant = grant.ljust(lib.SC_CTL_GRANT_MAX, b"\0")

        self._ask(lib.SC_CTL_INSTALL, fill=fill)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop scaffoldd, of whatever release, and wait until it has exited."""
        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        except (OSError, ValueError):  # 0: its pid means nothing here
            raise ServiceError(
                3, "scaffoldd runs in another pid namespace; stop it there"
            ) from None
        try:
            try:
                self._ask_to_stop()
            except AnotherVersion:
                self._terminate(pidfd)
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            if not poll.poll(timeout_s * 1000):
                raise ServiceError(110, f"scaffoldd (pid {self.pid}) has not exited; kill it")
        finally:
            os.close(pidfd)

    def _ask_to_stop(self) -> None:
        """In this command's version. Scaffoldds that know no other refuse that, and say which they
        know.
        """
        try:
            self._ask(lib.SC_CTL_STOP)
        except AnotherVersion as other:
            try:
                self._ask(lib.SC_CTL_STOP, other.version)
            except ServiceError:
                raise other from None

    def _terminate(self, pidfd: int) -> None:
        """By SIGTERM, which is an orderly end in every release."""
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        except PermissionError:
            line = f"only root and the user who runs scaffoldd (pid {self.pid}) can stop it"
            raise NotAllowed(1, line) from None

    def _connect(self) -> None:
        """By path, which works from every network namespace; else by the abstract name."""
        failure: OSError
        try:
            # A path longer than sun_path is reached through its directory's descriptor.
            folder = os.open(self.runtime_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._socket.connect(f"/proc/self/fd/{folder}/ctl")
                return
            finally:
                os.close(folder)
        except PermissionError as error:
            raise NotAllowed(error.errno, f"{self.runtime_dir}/ctl: {error.strerror}") from None
        except OSError as error:
            failure = error
        try:
            if os.geteuid() == _UNMAPPED:
                raise failure  # whoever answered at a name could not be told from this user
            self._socket.connect(_abstract_name(os.geteuid(), self.runtime_dir))
        except OSError:
            raise NoDaemon(
                100,
                f"no scaffoldd answers in {self.runtime_dir} ({failure.strerror});"
                " `scaffold up` starts one",
            ) from None

    def _peer(self) -> tuple[int, int]:
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid, uid, _ = struct.unpack("iII", raw)
        return pid, uid

    def _ask(
        self,
        op: int,
        version: int = lib.SC_CTL_VERSION,
        fill: Callable[[Any], None] | None = None,
    ) -> int | None:
        """Send one request; return the descriptor that came with the reply, if any."""
        request = ffi.new("struct sc_ctl_request *")
        request.magic = lib.SC_CTL_MAGIC
        request.version = version
        request.op = op
        if fill:
            fill(request)
        size = ffi.sizeof("struct sc_ctl_reply")
        if self._asked:  # scaffoldd has hung up
            self.close()
            self._open()
        self._asked = True
        try:
            self._socket.send(bytes(ffi.buffer(request)))
            raw, ancillary, _, _ = self._socket.recvmsg(size, socket.CMSG_SPACE(4))
        except TimeoutError:
            raise ServiceError(
                110, f"scaffoldd (pid {self.pid}) has not answered for {_ANSWER_S:g} s"
            ) from None
        except OSError as error:
            raise NoDaemon(100, f"scaffoldd (pid {self.pid}) went away: {error}") from None
        fd = _descriptor(ancillary)
        try:
            self._check(raw, op, size, version)
        except BaseException:
            if fd is not None:
                os.close(fd)
            raise
        return fd

    def _check(self, raw: bytes, op: int, size: int, version: int) -> None:
        if len(raw) == 0:
            raise NoDaemon(100, "scaffoldd closed the control connection; its log says why")
        reply = ffi.new("struct sc_ctl_reply *")
        ffi.buffer(reply)[0 : min(len(raw), size)] = raw[:size]
        if reply.magic != lib.SC_CTL_MAGIC or (
            len(raw) != size and reply.version == lib.SC_CTL_VERSION
        ):
            raise ServiceError(71, "what answers on the control socket is not scaffoldd")
        if reply.version != version:
            raise AnotherVersion(self.pid, reply.version)
        self._text: str = ffi.string(reply.text).decode("utf-8", "replace")
        self._name: str = ffi.string(reply.name).decode("utf-8", "replace")
        if reply.error != 0:
            raise ServiceError(reply.error, self._text or os.strerror(abs(reply.error)))
        if reply.op != op:
            raise ServiceError(71, f"scaffoldd answered {reply.op} to request {op}")


def _abstract_name(uid: int, runtime_dir: Path) -> bytes:
    daemon = ffi.new("struct sc_daemon_id *")
    daemon.uid = uid
    daemon.instance = lib.sc_instance_of(str(runtime_dir).encode())
    address = ffi.new("struct sockaddr_un *")
    length = lib.sc_socket_name_control(daemon[0], address)
    return bytes(ffi.buffer(address, length))[2:]


def _read_all(fd: int) -> bytes:
    """A pipe to its end. What writes it is never silent for long before that."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    pieces: list[bytes] = []
    while True:
        if not poll.poll(_ANSWER_S * 1000):
            raise ServiceError(110, f"scaffoldd has not gone on for {_ANSWER_S:g} s")
        piece = os.read(fd, 1 << 16)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def _descriptor(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds = array.array("i", data[: len(data) - len(data) % 4])
            return fds[0] if fds else None
    return None
