"""A machine for one test: its own loopback, /run, /tmp and home, all empty; the rest is this
machine's. Root only."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
HOME = "/tmp/home"

_SETUP = f"""
set -e
mount -t tmpfs none /run
mkdir /run/kept
mount --bind {ROOT} /run/kept
mount -t tmpfs none /tmp
chmod 1777 /tmp
mkdir -p {ROOT} {HOME}
chmod 755 {HOME}
mount --move /run/kept {ROOT}
rmdir /run/kept
ip link set lo up
echo ready
exec cat
"""
"""The checkout may itself be below /tmp. Ends when whoever made it closes its input."""

_READ_ALL = "+dac_override,+dac_read_search"
"""Python and the checkout may be where root alone can read."""


class Sandbox:
    """A context manager."""

    def __enter__(self) -> Self:
        """Make it."""
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", _SETUP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.communicate("")

    def command(self, words: list[Any], uid: int = 0) -> list[str]:
        """What runs this in the sandbox."""
        enter = ["nsenter", "-t", str(self._holder.pid), "--mount", "--net", "--"]
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
