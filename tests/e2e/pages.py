"""Pages of the documentation as a reader follows them: their commands, one by one, in shells of
sandboxes, and what they show beside what comes out."""

import os
import re
import select
import shlex
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from e2e.sandbox import HOME, Sandbox
from scaffold.control import Control
from scaffold.errors import ServiceError

USER = 1000
XDG = f"/run/user/{USER}"
PATIENCE_S = 90.0
"""For one command, however busy the machine is."""


# --- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """Something that a page sets off from its prose."""

    line: int
    language: str
    """Of a fence; empty where it is indented."""
    text: str
    heading: str
    """Under which it stands."""


def blocks(path: Path) -> list[Block]:
    """In their order. Text that is indented in a list belongs to the list."""
    found = []
    lines = path.read_text("utf-8").splitlines()
    at = 0
    heading = ""
    while at < len(lines):
        heading = lines[at].lstrip("# ") if lines[at].startswith("#") else heading
        fence = re.match(r"( *)```(\S*)", lines[at])
        end = at + 1
        if fence:
            while lines[end].strip() != "```":
                end += 1
            found.append(Block(at + 1, fence[2] or "none", _dedented(lines[at + 1 : end]), heading))
            end += 1
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end]):
                end += 1
            found.append(Block(at + 1, "", _dedented(lines[at:end]), heading))
        at = end
    return found


def _dedented(lines: list[str]) -> str:
    depth = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return "\n".join(line[depth:] for line in lines).strip("\n")


@dataclass(frozen=True)
class Command:
    """Of a shell; `host` is what stands before the prompt's $, `shows` what stands below it."""

    host: str
    text: str
    shows: str = ""

    def services(self) -> list[str]:
        """What it serves, if it is a server."""
        found = re.findall(r"--service[ =](\S+)|SCAFFOLD_SERVICE=(\S+)", self.text)
        return [name for pair in found for name in "".join(pair).split(",")]


_PROMPT = re.compile(r"(\w*)\$ +")


def commands(block: Block) -> list[Command]:
    """Its lines, as many at a time as make a whole command; comments are left out. Where commands
    have a prompt, other lines are what they show."""
    found: list[Command] = []
    gathered: list[str] = []
    has_prompts = any(_PROMPT.match(line) for line in block.text.splitlines())
    for line in block.text.splitlines():
        if not gathered and (not line.strip() or line.startswith("#")):
            continue
        if not gathered and has_prompts and not _PROMPT.match(line):
            last = found.pop()
            found.append(replace(last, shows=f"{last.shows}{line}\n"))
            continue
        gathered.append(line)
        text = "\n".join(gathered)
        if not text.endswith("\\") and _is_whole(text):
            prompt = _PROMPT.match(text)
            found.append(
                Command(prompt[1] if prompt else "", text[prompt.end() if prompt else 0 :])
            )
            gathered = []
    assert not gathered, gathered
    return found


def _is_whole(text: str) -> bool:
    return subprocess.run(["bash", "-n", "-c", text], capture_output=True).returncode == 0


# --- following ------------------------------------------------------------------------------------


class Terminal:
    """A shell in a sandbox, as an ordinary user unless told otherwise; environment and directory
    stay from one command to the next."""

    def __init__(self, machine: Sandbox, uid: int) -> None:
        self.machine = machine
        self.xdg = XDG if uid else "/run/user/0"
        folder = ["install", "-d", "-o", str(uid), "-m", "700", self.xdg]
        assert machine.run(folder).returncode == 0
        assert machine.run(["chown", "-R", str(uid), HOME]).returncode == 0
        settings = {"XDG_RUNTIME_DIR": self.xdg, "PYTHONUNBUFFERED": "1"}
        self._shell = machine.popen(
            ["bash", "--noprofile", "--norc"],
            uid,
            settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._servers: dict[tuple[str, str], tuple[str, str]] = {}
        """By runtime directory and services: the shell's job and the file with its output."""

    def run(self, text: str) -> tuple[int, str]:
        """A command to its end: its exit code and all that it wrote."""
        assert self._shell.stdin
        order = f"{{ {text}\n}} </dev/null\nprintf '\\n\\001%s\\001\\n' $?\n"
        self._shell.stdin.write(order.encode())
        self._shell.stdin.flush()
        got = b""
        deadline = time.monotonic() + PATIENCE_S
        while not (end := re.search(rb"\n\x01(\d+)\x01\n", got)):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self._shell.stdout], [], [], left)[0], (text, got)
            assert self._shell.stdout
            piece = os.read(self._shell.stdout.fileno(), 1 << 16)
            assert piece, (text, got)
            got += piece
        return int(end[1]), got[: end.start()].decode("utf-8", "replace")

    def serve(self, text: str, services: list[str]) -> str:
        """A server in the background, in place of one that served the same; returns once it is
        known, with what it has written."""
        named = re.search(r"--runtime-dir[ =](\S+)", text)
        folder = named[1] if named else f"{self.xdg}/scaffold"
        key = folder, ",".join(services)
        for other, names in list(self._servers):
            if other == folder and {n.partition(":")[0] for n in names.split(",")} & {
                n.partition(":")[0] for n in services
            }:
                self.stop(other, names)
        output = f"/tmp/server-{time.monotonic_ns()}"
        code, said = self.run(
            f": >{output}; setsid sh -c {shlex.quote(text)} >{output} 2>&1 & echo $!"
        )
        assert code == 0, said
        self._servers[key] = said.split()[-1], output
        deadline = time.monotonic() + PATIENCE_S
        while not self.serves(*key):
            text = self.machine.path(output).read_text()
            assert self.run(f"kill -0 {self._servers[key][0]}")[0] == 0, text
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
        return self.machine.path(output).read_text()

    def serves(self, folder: str, services: str) -> bool:
        """Whether the scaffoldd there knows an instance of this host of each."""
        try:
            with Control(self.machine.path(folder)) as control:
                known = control.status()["services"]
        except (ServiceError, OSError):
            return False
        names = [one["name"] for one in known if any(i["pid"] for i in one["instances"])]
        return all(
            any(name == wanted or name.startswith(f"{wanted}:") for name in names)
            for wanted in services.split(",")
        )

    def stop(self, folder: str, services: str) -> None:
        """End a server, and wait for its end."""
        if (folder, services) in self._servers:
            job, _ = self._servers.pop((folder, services))
            self.run(f"kill -TERM -{job}; wait {job}")

    def close(self) -> None:
        """End the servers and the scaffoldds, and the shell."""
        for key in list(self._servers):
            self.stop(*key)
        for folder in self.folders():
            self.run(f"scaffold down --runtime-dir {shlex.quote(folder)}")
        assert self._shell.stdin
        self._shell.stdin.close()
        self._shell.wait(PATIENCE_S)
        assert self._shell.stdout
        self._shell.stdout.close()

    def folders(self) -> list[str]:
        """The runtime directories with a control socket."""
        _, said = self.run(f"find {self.xdg} /tmp /run -xdev -name ctl -type s 2>/dev/null")
        return [line.removesuffix("/ctl") for line in said.split() if line.endswith("/ctl")]


def shown(text: str) -> list[str]:
    """Lines to compare: numbers and the width of columns differ from run to run."""
    text = re.sub(r"[0-9a-f]{8}:[0-9a-f]{8}", "ADDRESS", text)
    text = re.sub(r"sc1-[a-z2-7.]+", "TOKEN", text)
    text = re.sub(r"\d+(\.\d+)?( [KMGT]?i?B\b)?", "N", text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def is_shown(expected: str, came: str) -> bool:
    """Whether these lines came, in this order; others may stand between them."""
    rest = iter(shown(came))
    return all(any(line == other for other in rest) for line in shown(expected))
