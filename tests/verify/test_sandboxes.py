"""Programs that lock themselves up, leave their environment behind or bring a libc of their own, by
service name, as Debian has them."""

import contextlib
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold import scenario
from scaffold.lab import Host, Lab
from trap.common import go_program, scaffold_run

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.timeout(300)]

NAME = "sandbox.test.scaffold"
PORT = 8345
NOBODY = pwd.getpwnam("nobody")
PAGE = "a page of a service"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Hosts that every user can reach."""
    with Lab(["a", "b"], router="b", kind="loopback") as made:
        made.start()
        for host in made.hosts.values():
            for path in (made.folder, host.runtime_dir.parent, host.runtime_dir):
                path.chmod(0o755)
        yield made


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that programs reach after they have dropped root."""
    with tempfile.TemporaryDirectory(prefix="scaffold-sandbox-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def serve(lab: Lab, *words: str | Path, name: str = NAME, **options: Any) -> subprocess.Popen[Any]:
    command = scaffold_run(lab["b"], "--service", name, "--", *words)
    process = lab["b"].popen(command, shim=False, **options)
    lab.await_service(f"{NAME}:{PORT}", process=process)
    return process


def fetch(host: Host, *client: str | Path) -> str:
    """What a client gets from the service."""
    words = client or ("wget", "-qO-", "-T5", "-t1")
    done = host.run(scaffold_run(host, *words, f"http://{NAME}:{PORT}/"), shim=False)
    return done.stdout or done.stderr


def web_server(folder: Path) -> list[str]:
    (folder / "index.html").write_text(f"<html><body>{PAGE}</body></html>\n")
    return [sys.executable, "-m", "http.server", str(PORT), "-d", str(folder)]


# --- sandboxes ------------------------------------------------------------------------------------


def test_chromium(lab: Lab, folder: Path) -> None:
    """With its sandbox, hence as an ordinary user: renderers are killed for calls that they do not
    make themselves."""
    browser = scenario.program("chromium")
    serve(lab, *web_server(folder))
    home = folder / "home"
    home.mkdir()
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    user = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]
    words = [*user, "env", f"HOME={home}", "timeout", "100", browser, "--headless", "--disable-gpu",
             "--no-first-run", f"--user-data-dir={home}/data", "--dump-dom"]  # fmt: skip
    command = scaffold_run(lab["a"], *words, f"http://{NAME}:{PORT}/")
    done = lab["a"].run(command, shim=False, timeout=120)
    assert PAGE in done.stdout, done.stderr[-3000:]
    assert "seccomp" not in done.stderr


def test_tor(lab: Lab, folder: Path) -> None:
    """With `Sandbox 1`: most of getsockopt is refused once it serves."""
    tor = scenario.program("tor")
    settings = folder / "torrc"
    settings.write_text(
        f"DataDirectory {folder}/data\nControlPort 0.0.0.0:{PORT}\nDisableNetwork 1\n"
        "SocksPort 0\nSandbox 1\nCookieAuthentication 1\nRunAsDaemon 0\n"
    )
    serve(lab, tor, "-f", settings, "--defaults-torrc", "/dev/null", "--hush")
    code = (
        f"import socket\ns = socket.create_connection(('{NAME}', {PORT}), 20)\n"
        r"s.sendall(b'PROTOCOLINFO\r\n'); print(s.makefile().readline())"
    )
    command = scaffold_run(lab["a"], sys.executable, "-c", code)
    for _ in range(3):
        done = lab["a"].run(command, shim=False)
        assert done.stdout.startswith("250-PROTOCOLINFO"), done.stderr


@pytest.mark.parametrize("ids", [[], ["--uid", "1000", "--gid", "1000"]], ids=["same", "mapped"])
def test_a_user_namespace(lab: Lab, folder: Path, ids: list[str]) -> None:
    """There users have other numbers, and all that are not mapped have one."""
    bwrap = scenario.program("bwrap", "bubblewrap")
    serve(lab, bwrap, "--unshare-user", *ids, "--bind", "/", "/", *web_server(folder))
    assert PAGE in fetch(lab["a"])


@pytest.mark.parametrize("kind", ["fakeroot-sysv", "fakeroot-tcp"])
def test_fakeroot(lab: Lab, folder: Path, kind: str) -> None:
    """A preload library of another kind, which asks a process of its own; one does so over TCP,
    at a port that must not become the service's."""
    fakeroot = scenario.program(kind, "fakeroot")
    serve(lab, fakeroot, *web_server(folder), name=f"{NAME}:{PORT}")
    assert PAGE in fetch(lab["a"], fakeroot, "wget", "-qO-", "-T5", "-t1")


# --- an environment of its own --------------------------------------------------------------------

NGINX = """
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ }}
http {{ access_log off; server {{ listen {port}; location / {{ return 200 "{page}\\n"; }} }} }}
"""


def pid_in(file: Path, *, other_than: int = 0) -> int:
    """The first pid that a file has, once it has one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        text = file.read_text().strip() if file.exists() else ""
        if text and int(text) != other_than:
            return int(text)
        time.sleep(0.05)
    pytest.fail(f"{file} has got no other pid")


def plain(host: Host) -> str:
    done = host.run(["curl", "-sS", "-m5", f"http://127.0.0.1:{PORT}/"], shim=False)
    return done.stdout or done.stderr


def ended(pid: int) -> None:
    """Wait for the end of a process that is not our child."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        assert select.select([descriptor], [], [], 60)[0], f"pid {pid} goes on"
        os.close(descriptor)


@pytest.fixture
def nginx(lab: Lab, folder: Path) -> Iterator[Path]:
    """A daemon, since only that can be upgraded; the file with its pid."""
    settings, pid = folder / "nginx.conf", folder / "pid"
    settings.write_text(NGINX.format(folder=folder, port=PORT, page=PAGE))
    words = [scenario.program("nginx", "nginx-light"), "-c", settings, "-p", folder]
    done = lab["b"].run(scaffold_run(lab["b"], "--service", NAME, "--", *words), shim=False)
    assert done.returncode == 0, done.stderr
    lab.await_service(f"{NAME}:{PORT}")
    yield pid
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(pid.read_text()), signal.SIGTERM)


def test_nginx_upgraded(lab: Lab, nginx: Path) -> None:
    """USR2, then QUIT: the new nginx has an environment that the old one made, and its listeners.
    It never is on plain IP. nginx looks at signals once it has a worker, which answers."""
    old = pid_in(nginx)
    assert fetch(lab["a"]).strip() == PAGE
    for _ in range(2):  # the second is upgraded by one that was
        os.kill(old, signal.SIGUSR2)
        new = pid_in(nginx, other_than=old)
        os.kill(old, signal.SIGQUIT)
        ended(old)
        assert fetch(lab["a"]).strip() == PAGE
        assert "onnect" in plain(lab["b"])
        old = new
    os.kill(old, signal.SIGQUIT)
    lab.await_service(f"{NAME}:{PORT}", instances=0)


def test_socket_activation(lab: Lab, folder: Path) -> None:
    """systemd-socket-activate listens, and starts the server with an environment of its own."""
    activate = scenario.program("systemd-socket-activate", "systemd")
    code = (
        "import socket\nlistener = socket.socket(fileno=3)\nflow, _ = listener.accept()\n"
        "print(listener.family.name, listener.getsockname()[1], flush=True)\n"
        f"flow.recv(4096); flow.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n{PAGE}'); flow.close()"
    )
    process = serve(
        lab, activate, "-l", str(PORT), sys.executable, "-c", code, stdout=subprocess.PIPE
    )
    assert fetch(lab["a"]) == PAGE
    assert process.communicate(timeout=60)[0] == b"AF_INET6 %d\n" % PORT


# --- what the preload library does not reach ------------------------------------------------------

WEB_C = r"""
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int serve(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char question[4096];
    if (bind(listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(listener, 5) < 0)
        return 1;
    for (;;) {
        int flow = accept(listener, NULL, NULL);
        if (read(flow, question, sizeof question) > 0)
            dprintf(flow, "HTTP/1.0 200 OK\r\n\r\nmusl");
        close(flow);
    }
}

static int get(const char *name, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    char text[256] = "";
    if (getaddrinfo(name, port, &hints, &list) != 0)
        return 1;
    int flow = socket(list->ai_family, SOCK_STREAM, 0);
    if (connect(flow, list->ai_addr, list->ai_addrlen) < 0)
        return 1;
    dprintf(flow, "GET / HTTP/1.0\r\n\r\n");
    while (read(flow, text, sizeof text - 1) > 0 && !strstr(text, "musl"))
        ;
    puts(strstr(text, "musl"));
    return 0;
}

int main(int argc, char **argv)
{
    return argc == 2 ? serve(atoi(argv[1])) : get(argv[1], argv[2]);
}
"""


def test_musl(lab: Lab, folder: Path) -> None:
    if shutil.which("musl-gcc") is None:
        raise scenario.MissingProgram("musl-gcc (Debian: musl-tools)")
    source, program = folder / "web.c", folder / "web"
    source.write_text(WEB_C)
    subprocess.run(["musl-gcc", "-w", "-o", program, source], check=True)
    serve(lab, program, str(PORT))
    done = lab["a"].run(scaffold_run(lab["a"], program, NAME, str(PORT)), shim=False)
    assert done.stdout == "musl\n", done.stderr
    assert done.stderr.endswith("--trap is used (--no-trap: plain IP)\n")


def test_go(lab: Lab, folder: Path) -> None:
    program = go_program(Path(__file__).parents[1] / "trap/web.go", folder)
    serve(lab, program, "serve", f":{PORT}")
    words = scaffold_run(lab["a"], program, "get", "1", f"http://{NAME}:{PORT}/go")
    assert lab["a"].run(words, shim=False).stdout.startswith("1 /go  from 198.18.")


# --- resolvers of their own -----------------------------------------------------------------------

AIODNS = """
import asyncio, socket, sys
import aiodns

async def look_up():
    resolver = aiodns.DNSResolver(timeout=5, tries=1)
    try:
        found = await resolver.getaddrinfo(sys.argv[1], family=socket.AF_INET)
    except aiodns.error.DNSError as error:
        return print("not found", error.args[0])
    with socket.create_connection((found.nodes[0].addr[0].decode(), int(sys.argv[2])), 20) as flow:
        flow.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print(flow.makefile().read())

asyncio.run(look_up())
"""


def test_aiodns(lab: Lab, folder: Path) -> None:
    """c-ares asks name servers by itself: the shim does not see that, the trap does."""
    pytest.importorskip("aiodns")
    serve(lab, *web_server(folder))
    words = [sys.executable, "-c", AIODNS, NAME, str(PORT)]
    assert PAGE in lab["a"].run(scaffold_run(lab["a"], "--trap", *words), shim=False).stdout
    assert "not found" in lab["a"].run(scaffold_run(lab["a"], *words), shim=False).stdout


GRPC_SERVER = """
import sys, grpc
from concurrent import futures

say = grpc.unary_unary_rpc_method_handler(lambda question, _: question[::-1])
server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", {"Say": say}),))
server.add_insecure_port(f"0.0.0.0:{sys.argv[1]}")
server.start()
server.wait_for_termination()
"""
GRPC_CLIENT = """
import sys, grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    try:
        print(channel.unary_unary("/test.Test/Say")(b"hello", timeout=30))
    except grpc.RpcError as error:
        print(error.code())
"""


@pytest.mark.parametrize(
    ("resolver", "options", "answer"),
    [
        ("native", [], "b'olleh'"),
        ("ares", ["--trap"], "b'olleh'"),
        ("ares", [], "StatusCode.UNAVAILABLE"),
    ],
)
def test_grpc(lab: Lab, resolver: str, options: list[str], answer: str) -> None:
    """Its own resolver, c-ares, under the trap, and libc's under the shim, as the how-to says."""
    pytest.importorskip("grpc")
    serve(lab, sys.executable, "-c", GRPC_SERVER, str(PORT))
    words = [*options, sys.executable, "-c", GRPC_CLIENT, f"{NAME}:{PORT}"]
    environment = {"GRPC_DNS_RESOLVER": resolver}
    done = lab["a"].run(scaffold_run(lab["a"], *words), shim=False, env=environment)
    assert done.stdout.strip() == answer, done.stderr
