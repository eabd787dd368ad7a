"""What kernel and environment offer, and the usual pitfalls."""

import os
import platform
import shutil
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import __version__, namespaces, paths
from ..control import answers
from ..errors import ServiceError

_SO_PASSRIGHTS = 83  # include/uapi/asm-generic/socket.h, since Linux 6.16


@dataclass(frozen=True)
class Fact:
    """One line about this machine."""

    name: str
    good: bool
    text: str
    """What there is, or what its absence means and what helps."""


def facts(runtime_dir: Path) -> list[Fact]:
    """What matters to programs under the shim, good or not."""
    return [
        _versions(),
        _scaffoldd(runtime_dir),
        _shim(),
        _preload(),
        _fact("pidfd", _pidfd, "yes", "the end of a listener's process is noticed late"),
        _fact("unix_diag", _unix_diag, "yes", "surviving listeners are not found after a crash"),
        _fact("seccomp notify", _notify, "yes", "programs without libc cannot be trapped"),
        _fact("SO_PASSRIGHTS", _pass_rights, "yes", "descriptors sent in a flow are closed"),
        _fact("namespaces", namespaces.available, "yes", "labs use loopback ports; root has them"),
        _stack_buffers(),
    ]


def _fact(name: str, test: Callable[[], bool], yes: str, no: str) -> Fact:
    good = test()
    return Fact(name, good, yes if good else f"no: {no}")


def _versions() -> Fact:
    text = f"scaffold {__version__}, Linux {platform.release()}, {'-'.join(platform.libc_ver())}"
    return Fact("versions", True, f"{text}, Python {platform.python_version()}")


def _scaffoldd(runtime_dir: Path) -> Fact:
    pid = answers(runtime_dir)
    if pid is None:
        return Fact("scaffoldd", False, f"none at {runtime_dir}; `scaffold up` starts one")
    return Fact("scaffoldd", True, f"pid {pid} at {runtime_dir}")


def _shim() -> Fact:
    try:
        path = paths.part(paths.SHIM)
    except ServiceError as error:
        return Fact("shim", False, str(error.strerror))
    if not os.access(path, os.R_OK):
        return Fact("shim", False, f"{path} cannot be read by this user")
    return Fact("shim", True, str(path))


def _preload() -> Fact:
    """A relative path in LD_PRELOAD is lost with the first change of directory."""
    words = os.environ.get("LD_PRELOAD", "").replace(" ", ":").split(":")
    relative = [word for word in words if "/" in word and not word.startswith("/")]
    missing = [word for word in words if word.startswith("/") and not Path(word).exists()]
    if relative:
        return Fact("LD_PRELOAD", False, f"{relative[0]}: write the absolute path")
    if missing:
        return Fact("LD_PRELOAD", False, f"{missing[0]} does not exist")
    return Fact("LD_PRELOAD", True, ":".join(filter(None, words)) or "empty")


def _pidfd() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _unix_diag() -> bool:
    """NETLINK_SOCK_DIAG answers a question about AF_UNIX (sock_diag(7))."""
    netlink_sock_diag, by_family, request = 4, 20, 0x301
    body = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFF, 0, 0, 0, 0)
    header = struct.pack("=IHHII", 16 + len(body), by_family, request, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink_sock_diag) as s:
            s.settimeout(1)
            s.send(header + body)
            kind: int = struct.unpack_from("=H", s.recv(8192), 4)[0]
            return kind != 2  # NLMSG_ERROR
    except OSError:
        return False


def _notify() -> bool:
    path = Path("/proc/sys/kernel/seccomp/actions_avail")
    return path.exists() and "user_notif" in path.read_text().split()


def _pass_rights() -> bool:
    a, b = socket.socketpair()
    with a, b:
        try:
            a.setsockopt(socket.SOL_SOCKET, _SO_PASSRIGHTS, 0)
        except OSError:
            return False
        return True


def _stack_buffers() -> Fact:
    """scaffoldd's UDP socket asks for more than an unconfigured kernel gives."""
    most = int(Path("/proc/sys/net/core/rmem_max").read_text())
    tool = "sysctl -w net.core.rmem_max=4194304" if shutil.which("sysctl") else "net.core.rmem_max"
    if most < 1 << 20:
        text = f"{most} bytes: bursts may be lost between hosts; {tool}"
        return Fact("rmem_max", False, text)
    return Fact("rmem_max", True, f"{most} bytes")
