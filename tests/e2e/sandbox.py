"""A machine for one test: its own network, name, /run, /tmp and home, all empty; the rest is this
machine's. Root only."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
HOME = "/tmp/home"

_SETUP = f"""
set -e
hostname "$1"
for folder in /run /var/log /var/lib/nginx; do
    [ ! -d $folder ] || mount -t tmpfs none $folder
done
mkdir -p /var/log/nginx
mkdir /run/kept
mount --bind {ROOT} /run/kept
mount -t tmpfs none /tmp
chmod 1777 /tmp
mkdir -p {ROOT} {HOME}
chmod 755 {HOME}
mount --move /run/kept {ROOT}
rmdir /run/kept
ip link set lo up
echo nameserver 127.0.0.1 >/run/resolv.conf
mount --bind /run/resolv.conf /etc/resolv.conf
echo ready
exec cat
"""
"""The checkout may itself be below /tmp. Ends when whoever made it closes its input."""

_READ_ALL = "+dac_override,+dac_read_search"
"""Python and the checkout may be where root alone can read."""


class Sandbox:
    """A context manager."""

    def __init__(self, name: str = "here") -> None:
        self.name = name

    def __enter__(self) -> Self:
        """Make it."""
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--uts", "sh", "-c", _SETUP, "sh", self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        """End all that is left in it, and let it go."""
        for pid in self._inhabitants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._holder.communicate("")

    def _inhabitants(self) -> list[int]:
        """By its network: a scaffoldd leads a session of its own."""
        own = Path(f"/proc/{self.pid}/ns/net").stat().st_ino
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "ns/net").stat().st_ino == own and int(process.name) != self.pid:
                    found.append(int(process.name))
        return found

    @property
    def pid(self) -> int:
        """Of a process in it, whose root is this machine's."""
        return self._holder.pid

    def path(self, name: str) -> Path:
        """A file of it, from outside."""
        return Path(f"/proc/{self.pid}/root{name}")

    def command(self, words: list[Any], uid: int = 0) -> list[str]:
        """What runs this in the sandbox."""
        enter = ["nsenter", "-t", str(self._holder.pid), "--mount", "--net", "--uts", "--"]
        if uid:
            caps = [f"--inh-caps={_READ_ALL}", f"--ambient-caps={_READ_ALL}"]
            enter += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *caps]
        return [*enter, "env", f"--chdir={HOME}", *map(str, words)]

    def environment(self, **settings: str) -> dict[str, str]:
        """A newcomer's: nothing of SCAFFOLD is set, nor XDG_RUNTIME_DIR."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("SCAFFOLD_", "XDG_", "LD_"))
        }
        build = {k: os.environ[k] for k in ("SCAFFOLD_BUILD_DIR",) if k in os.environ}
        path = f"{Path(sys.executable).parent}:{kept['PATH']}"
        home = {"HOME": HOME, "PATH": path, "VIRTUAL_ENV": sys.prefix}
        return {**kept, **build, **home, "XDG_STATE_HOME": "/tmp/state", **settings}

    def run(
        self, words: list[Any], uid: int = 0, timeout: float = 60, **settings: str
    ) -> "subprocess.CompletedProcess[str]":
        """A command, to its end."""
        return subprocess.run(
            self.command(words, uid),
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def popen(
        self, words: list[Any], uid: int = 0, settings: dict[str, str] | None = None, **options: Any
    ) -> "subprocess.Popen[Any]":
        """A command that goes on."""
        environment = self.environment(**(settings or {}))
        return subprocess.Popen(self.command(words, uid), env=environment, **options)


def link(a: Sandbox, b: Sandbox) -> None:
    """A cable between two, 10.84.0.1 and 10.84.0.2; each knows both as NAME.example.org."""
    ends = ["name", "eth0", "netns", str(a.pid)], ["name", "eth0", "netns", str(b.pid)]
    subprocess.run(
        ["ip", "link", "add", *ends[0], "type", "veth", "peer", *ends[1]], check=True, timeout=30
    )
    hosts = [f"10.84.0.{i} {one.name}.example.org" for i, one in enumerate((a, b), 1)]
    for number, one in enumerate((a, b), 1):
        lines = [
            f"ip addr add 10.84.0.{number}/24 dev eth0",
            "ip link set eth0 up",
            f"printf '%s\\n' '127.0.0.1 localhost' '{hosts[0]}' '{hosts[1]}' >/run/hosts",
            "mount --bind /run/hosts /etc/hosts",
        ]
        done = one.run(["sh", "-ec", "\n".join(lines)])
        assert done.returncode == 0, done.stderr
