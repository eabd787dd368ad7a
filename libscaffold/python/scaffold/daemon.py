"""Starting and stopping scaffoldd."""

import fcntl
import os
import re
import select
import subprocess
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import paths
from .control import answers
from .errors import ServiceError, WrongUsage

AUTO_IDLE_EXIT_S = 60
_READY_S = 15.0
_WRONG_USAGE = 2


@dataclass
class Options:
    """How to start a scaffoldd; what is None is left to its defaults."""

    name: str | None = None
    """The host's name."""
    router: str | None = None
    """HOST[:PORT] of the service router to register with and resolve through."""
    join: str | None = None
    """What the router's `scaffold join-token` printed, or @ and a file with that; needed once."""
    security: str | None = None
    """on or off, on every host of the network."""
    port: int | None = None
    """UDP port; 0 for any."""
    listen: str | None = None
    """Underlay address to listen on."""
    insecure_network: bool = False
    """Listen beyond the loopback interface although flows are not encrypted."""
    config: Path | None = None
    state_dir: Path | None = None
    plane: str | None = None
    """How flows between programs of this host go: auto, user or local."""
    idle_exit_s: int | None = None
    """Exit this many seconds after the last socket."""
    log: str | None = None
    """error, warn, info or debug."""
    log_file: Path | None = None
    """Where its log is appended; `scaffoldd.log` in the runtime directory unless the configuration
    names another."""
    build: Path | None = None
    """A build tree whose scaffoldd it is; the installed one otherwise."""
    prefix: Sequence[str] = field(default_factory=tuple)
    """What runs scaffoldd, for example `ip netns exec NAME`."""

    def arguments(self) -> list[str]:
        """The flags of scaffoldd."""
        values = {
            "--name": self.name,
            "--router": self.router,
            "--join": "-" if self.said() else self.join,
            "--security": self.security,
            "--port": self.port,
            "--listen": self.listen,
            "--config": self.config,
            "--state-dir": self.state_dir,
            "--plane": self.plane,
            "--idle-exit": self.idle_exit_s,
            "--log": self.log,
            "--log-file": self.log_file,
        }
        flags = [text for key, v in values.items() if v is not None for text in (key, str(v))]
        return [*flags, "--insecure-network"] if self.insecure_network else flags

    def said(self) -> str | None:
        """What scaffoldd is told on its standard input, since all users can read its arguments."""
        return None if self.join is None or self.join.startswith("@") else f"{self.join}\n"

    def given(self) -> bool:
        """True when anything differs from the defaults."""
        return bool(self.arguments())


def start(runtime_dir: Path, options: Options) -> subprocess.Popen[bytes]:
    """Start scaffoldd in the background and return once its control socket answers.

    Its log is appended to `scaffoldd.log` in the runtime directory unless the options name another
    file; what else it says, before there is a log or when it crashes, goes there, too. When it
    fails, ServiceError carries the last line.
    """
    paths.make_runtime_dir(runtime_dir)
    log = runtime_dir / "scaffoldd.log"
    if options.log_file is None and _configured_log(options.config) is None:
        options = replace(options, log_file=log)
    reader, writer = os.pipe()
    try:
        command = [*options.prefix, str(paths.part(paths.DAEMON, options.build)), "--runtime-dir"]
        command += [str(runtime_dir), "--ready-fd", str(writer), *options.arguments()]
        with log.open("ab") as output, _saying(options.said()) as said:
            before = output.tell()
            process = subprocess.Popen(
                command,
                stdin=said,
                stdout=output,
                stderr=output,
                pass_fds=(writer,),
                start_new_session=True,
            )
        os.close(writer)
        writer = -1
        _await_ready(reader, process, log, before)
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
    return process


@contextmanager
def _saying(text: str | None) -> Iterator[int]:
    """A descriptor from which a short text can be read, and nothing else."""
    reader, writer = os.pipe()
    try:
        os.write(writer, (text or "").encode())
        os.close(writer)
        yield reader
    finally:
        os.close(reader)


def _configured_log(config: Path | None) -> str | None:
    """The log file that a configuration names; what is wrong with it, scaffoldd will say."""
    try:
        settings = tomllib.loads(config.read_text("utf-8")) if config else {}
    except (OSError, ValueError):
        return None
    return settings.get("log_file")


def _await_ready(reader: int, process: subprocess.Popen[bytes], log: Path, before: int) -> None:
    """Until the line "ready ..." has come through the pipe; its end without one is a failure."""
    deadline = time.monotonic() + _READY_S
    line = b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            process.kill()
            process.wait()
            raise ServiceError(110, f"scaffoldd was not ready after {_READY_S:g} s; see {log}")
        chunk = os.read(reader, 4096)
        if not chunk:
            process.wait()
            said = _last_line(log, before)
            if said and process.returncode == _WRONG_USAGE:
                raise WrongUsage(said)
            raise ServiceError(5, said or f"scaffoldd exited with {process.returncode}")
        line += chunk


def _last_line(log: Path, before: int) -> str:
    """Of what this scaffoldd added to the log, without its time."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(before if before <= size else 0)  # else a new file was begun
        text = file.read().decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    return re.sub(r"^\d{4}-\S+Z ", "", lines[-1]) if lines else ""


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure(runtime_dir: Path) -> int | None:
    """Start the user's own scaffoldd when none answers; its pid then, None when one was there.

    One lock file lets any number of `scaffold run` start at the same time. A scaffoldd started
    here exits by itself a minute after its last socket.
    """
    if answers(runtime_dir) is not None:
        return None
    paths.make_runtime_dir(runtime_dir)
    with _locked(runtime_dir / "lock"):
        if answers(runtime_dir) is not None:
            return None
        process = start(runtime_dir, Options(idle_exit_s=AUTO_IDLE_EXIT_S))
        process.returncode = 0  # it outlives us: no warning from Popen's destructor
        return process.pid
