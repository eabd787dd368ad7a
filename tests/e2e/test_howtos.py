"""README, tutorial and how-tos, followed command by command: each does what its page says.

What a page shows as output came, what it serves is served. What cannot be followed in a sandbox has
its reason in LEFT_OUT, and nothing else is left out.
"""

import contextlib
import importlib
import inspect
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from e2e.pages import USER, Block, Command, Terminal, blocks, commands, is_shown
from e2e.sandbox import HOME, ROOT, Sandbox, link
from scaffold.scenario import MissingProgram
from trap.common import go_program

pytestmark = [pytest.mark.root, pytest.mark.hosts, pytest.mark.spread]

PAGES = [
    ROOT / "README.md",
    ROOT / "docs/tutorial.md",
    *sorted((ROOT / "docs/howto").glob("*.md")),
]

LEFT_OUT = {
    "make ": "sets up this very checkout; `make fresh` runs it",
    ".ci/setup": "sets up this very checkout; `make fresh` runs it",
    ". .venv/bin/activate": "the sandbox has it on its PATH",
    "pip install": "needs the network; .ci/setup does the same",
    "scaffold bench": "takes minutes; tests/e2e/test_bench.py runs it in short form",
    "scaffold run --all-local --explain --json": "takes a minute; tests/shim/test_cpython.py",
    "scaffold-port": "needs the network; tests/verify/test_porting.py and test_ports.py run it",
    "LD_PRELOAD=libscaffold_shim.so": "after a system-wide installation; test_places.py has the"
    " absolute path",
    "scaffold run --trap -- python3 aiodns-client.py": "tests/verify/test_sandboxes.py has it",
    "GRPC_DNS_RESOLVER=native": "tests/verify/test_sandboxes.py has it",
    "ip netns exec": "namespaces of names that this machine may have; the labs are made so",
    "scaffoldd --config /etc": "stays in the foreground; test_configuration.py starts it so",
}
"""By how a command begins."""

NO_COMMANDS = {"none", "{warning}", "{literalinclude}", "{note}"}
"""Drawings and what Sphinx makes of its own."""

WEB = "mkdir -p web && echo 'I am the page' >web/index.html && cd web"
PAGE = "I am the page"
SERVE_WEB = "scaffold run --service web.acme.scaffold --publish 80:8000 -- python3 -m http.server"


@dataclass
class Story:
    """How a page is followed."""

    prepare: list[str] = field(default_factory=list)
    """Commands that the page takes for granted."""
    before: dict[str, str] = field(default_factory=dict)
    """Done before a command that begins so."""
    stops: dict[str, str] = field(default_factory=dict)
    """Under which heading the server of which service was stopped by hand."""
    answers: dict[str, str] = field(default_factory=dict)
    """What comes out of a command that begins so, or stands under this heading: a regular
    expression."""
    python: str = ""
    """In front of each piece of Python."""
    programs: dict[str, str] = field(default_factory=dict)
    """In Go, by their names."""
    needs: list[str] = field(default_factory=list)
    """Programs."""
    hosts: bool = False
    """Whether there are two, a and b."""
    uid: int = USER


MY_SERVER = (
    "mkdir -p bin && PATH=$PWD/bin:$PATH && echo 80 9009 >ports && "
    "printf '%s\\n' '#!/usr/bin/env python3' 'import socket, select' "
    "'ports = map(int, open(\"ports\").read().split())' "
    "'listeners = [socket.create_server((\"\", port)) for port in ports]' "
    "'select.select([], [], [])' >bin/my-server && chmod +x bin/my-server"
)
"""Something that listens."""

ORACLE = (
    "'import socket' 's = socket.socket(type=socket.SOCK_DGRAM)' 's.bind((\"\", 2000))' "
    "'while True: s.sendto(b\"answer\", s.recvfrom(99)[1])'"
)

GO_CLIENT = """
package main

import ("io"; "net/http"; "os")

func main() {
    answer, err := http.Get(os.Args[1])
    if err != nil { panic(err) }
    io.Copy(os.Stdout, answer.Body)
}
"""
GO_SERVER = """
package main

import "net/http"

func main() { panic(http.ListenAndServe(":8080", nil)) }
"""

STORIES = {
    "README.md": Story(
        prepare=[WEB],
        needs=["wget", "curl", "nginx"],
        answers={
            "scaffold run -- wget": PAGE,
            "scaffold status": r"web\.acme\.scaffold:80 ",
            "python3 -c": PAGE,
            "scaffold run -- curl": "Welcome to nginx|<html",
        },
        before={"scaffold up --name a": "kill -TERM -$!; wait $!; scaffold down"},
        hosts=True,
    ),
    "tutorial.md": Story(
        prepare=[
            "mkdir first && cd first && echo 'I am the first' >index.html",
            "echo 'I am the second' >/tmp/index.html",
        ],
        needs=["wget"],
        stops={"## Kill one": "web.acme.scaffold"},
        answers={
            "## Fetch": "I am the first",
            "## Kill one": "I am the second",
            "## From Python": "I am the second",
        },
    ),
    "benchmark.md": Story(needs=["iperf"]),
    "c-program.md": Story(
        prepare=[WEB, SERVE_WEB, "cd ~; cp web/../app.c old.c 2>/dev/null; true"],
        needs=["gcc", "pkg-config"],
    ),
    "explain.md": Story(
        prepare=[
            WEB,
            SERVE_WEB,
            "cd ~",
            "printf '#!/bin/sh\\nwget -q -O /dev/null http://web.acme.scaffold/\\n' "
            ">start-everything.sh; chmod +x start-everything.sh",
        ],
        before={
            "tail -n 1 log": "scaffold run --explain --json -- "
            "wget -q -O /dev/null http://web.acme.scaffold/ 2>log"
        },
        needs=["wget", "jq"],
        python="from pathlib import Path\n",
        answers={"tail -n 1": '"flows": [0-9]', "python": "'flows': [1-9]"},
    ),
    "python-client.md": Story(
        prepare=[
            "scaffold up --port 0",
            "scaffold run --service cache.acme.scaffold -- memcached -l 0.0.0.0",
            "printf '%s\\n' 'print(\"I am the page\")' >my-program.py",
            f"printf '%s\\n' {ORACLE} >oracle.py",
            "scaffold run --service oracle.acme.scaffold -- python3 oracle.py",
        ],
        stops={"## asyncio": "shout.acme.scaffold:7"},
        needs=["memcached"],
        python="import scaffold\n",
        answers={
            "## Sockets": "STORED",
            "## asyncio": "HELLO",
            "scaffold run -- python3": PAGE,
        },
    ),
    "rewritten-python.md": Story(
        prepare=[
            "mkdir -p my-program && printf '%s\\n' 'import socket' 'import scaffold.inet' "
            "'with scaffold.inet.socket() as s: print(\"I am the page\", s.family)' "
            ">my-program/main.py",
        ],
        answers={"python3 my-program": PAGE},
    ),
    "reach.md": Story(
        prepare=[WEB, SERVE_WEB, "cd ~", "scaffold run --service iperf.acme.scaffold -- iperf -s"],
        needs=["wget", "curl", "iperf"],
        answers={
            "scaffold run -- wget": "saved",
            "scaffold run -- curl": PAGE,
            "wget": "saved",
            "scaffold run -- iperf": "bits/sec",
        },
    ),
    "serve.md": Story(
        prepare=[MY_SERVER],
        before={
            "scaffold run --service web.acme.scaffold:80,admin": "echo 8000 8001 >ports",
            "scaffold up": "scaffold down",
        },
        answers={"scaffold run -- redis-cli": "PONG"},
        needs=["nginx", "redis-server"],
    ),
    "several-providers.md": Story(prepare=["scaffold up --port 0"]),
    "several-scaffoldds.md": Story(
        prepare=[
            MY_SERVER,
            "printf '#!/bin/sh\\nscaffold status\\n' >bin/my-client",
            "chmod +x bin/my-client",
        ],
        answers={"SCAFFOLD_RUNTIME_DIR=/tmp/one my-client": "web.acme.scaffold", "python": "<"},
        python="import os; os.environ['SCAFFOLD_BUILD_DIR'] = ''\n",
        uid=0,
    ),
    "status.md": Story(prepare=[WEB, SERVE_WEB], needs=["jq"]),
    "trap.md": Story(
        prepare=[
            WEB,
            "scaffold run --service web.acme.scaffold -- python3 -m http.server 8080",
            "cd ~",
        ],
        programs={"go-client": GO_CLIENT, "go-server": GO_SERVER},
        answers={"scaffold run -- ./go-client": PAGE},
    ),
    "join.md": Story(
        prepare=["scaffold up --name a --insecure-network"],
        hosts=True,
        answers={"scaffold host list": r"a +up(.|\n)*b +up"},
    ),
    "two-hosts.md": Story(
        needs=["nginx", "curl", "jq"],
        hosts=True,
        answers={
            "scaffold run -- curl": "nginx|<html",
            "scaffold status": r"b +\S+ +10\.84",
            "scaffold status --json": "true",
        },
    ),
}


class Reader:
    """Follows a page."""

    def __init__(self, page: Path, story: Story, terminals: dict[str, Terminal]) -> None:
        self.page = page
        self.story = story
        self.terminals = terminals
        self.came = ""
        self.token = ""
        """The last one that was printed, which pages write as sc1-..."""
        self.left_out = False
        self.heading = ""

    def follow(self) -> None:
        for text in self.story.prepare:
            self._do(Command("", text))
        for block in blocks(self.page):
            self.heading = f"## {block.heading}"
            if self.heading in self.story.stops:
                terminal = self._first()
                terminal.stop(f"{terminal.xdg}/scaffold", self.story.stops.pop(self.heading))
            self._block(block)

    def _block(self, block: Block) -> None:
        where = f"{self.page.name}:{block.line}"
        if block.language == "text":
            self._compare(block.text, where)
        elif block.language == "python":
            self._python(block)
        elif block.language in ("c", "toml"):
            self._file(block)
        elif block.language not in NO_COMMANDS:
            assert block.language == "", f"{where}: nothing is known about {block.language}"
            for command in commands(block):
                self.left_out = any(command.text.startswith(start) for start in LEFT_OUT)
                if not self.left_out:
                    self._do(command, where)
                self._compare(command.shows, where)

    def _compare(self, shows: str, where: str) -> None:
        if not self.left_out:
            assert is_shown(shows, self.came), f"{where} shows\n{shows}\n{self.came}"

    def _do(self, command: Command, where: str = "to prepare") -> None:
        terminal = self.terminals[command.host] if command.host else self._first()
        for start, text in self.story.before.items():
            if command.text.startswith(start):
                self._do(Command(command.host, text), where)
        if services := command.services():
            self.came = terminal.serve(command.text, services)
            return
        code, self.came = terminal.run(command.text.replace("sc1-...", self.token))
        said = f"{where}: {command.text}\n{self.came}"
        if printed := re.search(r"^sc1-[a-z2-7]+$", self.came, re.MULTILINE):
            self.token = printed[0]
        assert code == 0, said
        self._check(command.text, said)

    def _check(self, text: str, said: str) -> None:
        starts = [s for s in self.story.answers if text.startswith(s) or s == self.heading]
        if starts:
            assert re.search(self.story.answers[max(starts, key=len)], self.came), said

    def _first(self) -> Terminal:
        return next(iter(self.terminals.values()))

    def _put(self, name: str, text: str) -> None:
        code, said = self._first().run(f"cat >{name} <<'END-OF-FILE'\n{text}\nEND-OF-FILE")
        assert code == 0, said

    def _file(self, block: Block) -> None:
        """A C program, or a configuration whose first line has its name."""
        named = re.match(r"# (\S+)\n", block.text)
        if named:
            self._put(named[1], block.text)
        elif "int main" in block.text:
            self._put("app.c", block.text)
            self._put("old.c", OLD)
        else:
            self._put("part.c", PART.replace("THE PART", block.text))
            self._do(Command("", BUILD_PART), f"{self.page.name}:{block.line}")

    def _python(self, block: Block) -> None:
        self._put("piece.py", self.story.python + block.text)
        served = re.findall(r'create_server\("([^"]+)"', block.text)
        if served:
            self.came = self._first().serve("exec python3 piece.py", served)
            return
        code, self.came = self._first().run("python3 piece.py")
        said = f"{self.page.name}:{block.line}\n{self.came}"
        assert code == 0, said
        self._check("python", said)


OLD = """
#include <netdb.h>
#include <sys/socket.h>
int main(void)
{
    struct addrinfo *list;
    if (getaddrinfo("web.acme.scaffold", "80", 0, &list))
        return 1;
    return connect(socket(AF_INET, SOCK_STREAM, 0), list->ai_addr, list->ai_addrlen) ? 2 : 0;
}
"""
PART = """
#include <scaffold/scaffold.h>
int main(void)
{
    const char *host = "web.acme.scaffold", *port = "80";
    THE PART
    return err;
}
"""
BUILD_PART = "cc part.c $(pkg-config --cflags --libs scaffold) -o part && ./part"


@contextlib.contextmanager
def opened(story: Story) -> Iterator[dict[str, Terminal]]:
    """The terminals that a page speaks of."""
    with contextlib.ExitStack() as stack:
        names = ["a", "b"] if story.hosts else ["here"]
        machines = {name: stack.enter_context(Sandbox(name)) for name in names}
        if story.hosts:
            link(*machines.values())
        found = {name: Terminal(machine, story.uid) for name, machine in machines.items()}
        try:
            yield found
        finally:
            for terminal in found.values():
                terminal.close()


@pytest.mark.usefixtures("root_only")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page(page: Path, tmp_path: Path) -> None:
    story = STORIES.get(page.name, Story())
    for program in story.needs:
        if shutil.which(program) is None:
            raise MissingProgram(program)
    with opened(story) as terminals:
        machine = next(iter(terminals.values())).machine
        for name, text in story.programs.items():
            source = tmp_path / f"{name}.go"
            source.write_text(text)
            shutil.copy(go_program(source, tmp_path), machine.path(f"{HOME}/{name}"))
        Reader(page, story, terminals).follow()


@pytest.mark.usefixtures("root_only")
@pytest.mark.parametrize("module", ["scaffold", "scaffold.inet"])
def test_the_example_of_a_module(module: str, tmp_path: Path) -> None:
    """The first thing of its page in the reference."""
    for program in ("memcached",):
        if shutil.which(program) is None:
            raise MissingProgram(program)
    page = tmp_path / "page.md"
    page.write_text(inspect.cleandoc(importlib.import_module(module).__doc__ or ""))
    [block] = blocks(page)
    with opened(Story()) as terminals:
        terminal = terminals["here"]
        for name, port in (("cache", 11211), ("web", 80)):
            text = f"scaffold run --service {name}.acme.scaffold -- memcached -l 0.0.0.0 -p {port}"
            terminal.serve(text, [f"{name}.acme.scaffold"])
        code, came = terminal.run(f"python3 -c {shlex.quote(block.text)}")
    assert code == 0, came
    assert ("VERSION" in came) == (module == "scaffold"), came


def test_nothing_is_left_out_for_nothing() -> None:
    """Each reason is needed, and each page with commands is known."""
    all_commands = [
        command.text
        for page in PAGES
        for block in blocks(page)
        if block.language == ""
        for command in commands(block)
    ]
    for start in LEFT_OUT:
        assert any(text.startswith(start) for text in all_commands), start
    assert set(STORIES) <= {page.name for page in PAGES}
