"""Programs that load nothing, under `scaffold run --trap`: streams."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaffold.lab import Host, Lab
from trap.common import HERE, address_of, go_program, static_program, trapped

NAME = "web.demo.scaffold"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go's net/http."""
    return go_program(HERE / "web.go", tmp_path_factory.mktemp("trap"))


@pytest.fixture(scope="module")
def server(lab: Lab, host: Host, web: Path) -> str:
    """A Go server of the service; the service's address."""
    process = host.popen(trapped(web, "serve", ":8080"), shim=False, env={"SCAFFOLD_SERVICE": NAME})
    lab.await_service(f"{NAME}:8080", process=process)
    return address_of(host, NAME)


def test_a_go_server_serves_a_program_under_the_shim(host: Host, server: str) -> None:
    done = host.run(["wget", "-qO-", f"http://{NAME}:8080/page"])
    assert re.fullmatch(r"/page  from 198\.18\.\d+\.\d+:\d+", done.stdout), done


def test_a_go_client_opens_many_flows_at_once(host: Host, server: str, web: Path) -> None:
    done = host.run(trapped(web, "get", "100", f"http://{server}:8080/many"), shim=False)
    assert re.match(r"100 /many  from 198\.18\.", done.stdout), done


def test_static_wget(host: Host, server: str, busybox: str) -> None:
    url = f"http://{server}:8080/static"
    done = host.run(trapped(busybox, "wget", "-qO-", url), shim=False)
    assert done.stdout.startswith("/static  from 198.18."), done


def test_a_refused_connect_says_so(host: Host, server: str, busybox: str) -> None:
    url = f"http://{server}:81/"
    done = host.run(trapped(busybox, "wget", "-qO-", url), shim=False)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_plain_ip_stays_plain(host: Host, busybox: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = f"echo plain | {busybox} nc 127.0.0.1 {port}"
        client = host.popen(trapped("sh", "-c", command), shim=False, stdin=subprocess.DEVNULL)
        listener.settimeout(30)
        connection, peer = listener.accept()
        with connection:
            assert peer[0] == "127.0.0.1"
            assert connection.recv(100) == b"plain\n"
        assert client.wait(30) == 0


def test_nc_serves_and_connects(lab: Lab, host: Host, busybox: str) -> None:
    """Both ends block: nc in accept, and in connect. The listener's input stays open: at its end nc
    ends the flow, and the other may leave before it has sent."""
    name = "nc.demo.scaffold"
    listener = host.popen(
        trapped(busybox, "nc", "-l", "-p", "7000"),
        shim=False,
        env={"SCAFFOLD_SERVICE": name},
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )
    lab.await_service(f"{name}:7000", process=listener)
    command = f"echo over a flow | {busybox} nc {address_of(host, name)} 7000"
    client = host.run(trapped("sh", "-c", command), shim=False)
    assert client.returncode == 0, client
    assert listener.communicate(timeout=30)[0] == "over a flow\n"


def test_an_early_registration_and_a_duplicate_are_repaired(
    host: Host, server: str, tmp_path: Path
) -> None:
    program = static_program(HERE / "early.c", tmp_path)
    done = host.run(trapped(program, server, "8080"), shim=False)
    assert (done.stdout, done.stderr) == ("1 77 0 0 HTTP/1.0\n", ""), done


def test_a_blocked_program_leaves_nothing_behind(lab: Lab, host: Host, busybox: str) -> None:
    """kill -9 of a program in accept ends its service, and the supervisor."""
    name = "gone.demo.scaffold"
    process = host.popen(
        trapped("sh", "-c", f"echo $$; exec {busybox} nc -l -p 7001"),
        shim=False,
        env={"SCAFFOLD_SERVICE": name},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    pid = int(process.stdout.readline())
    lab.await_service(f"{name}:7001", process=process)
    os.kill(pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    lab.await_service(f"{name}:7001", instances=0)


def test_a_signal_interrupts_accept(lab: Lab, host: Host, busybox: str) -> None:
    name = "term.demo.scaffold"
    process = host.popen(
        trapped(busybox, "nc", "-l", "-p", "7002"), shim=False, env={"SCAFFOLD_SERVICE": name}
    )
    lab.await_service(f"{name}:7002", process=process)
    os.kill(process.pid, signal.SIGTERM)  # passed on
    assert process.wait(30) == -signal.SIGTERM


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_the_programs(host: Host, code: int) -> None:
    assert host.run(trapped("sh", "-c", f"exit {code}"), shim=False).returncode == code


def test_it_ends_with_the_last_process(host: Host) -> None:
    started = time.monotonic()
    done = host.run(trapped("sh", "-c", "(sleep 0.5; echo late) & exit 4"), shim=False)
    assert (done.returncode, done.stdout) == (4, "late\n")
    assert time.monotonic() - started >= 0.5


def test_a_program_that_is_not_there(host: Host) -> None:
    done = host.run(trapped("/no/such/program"), shim=False)
    assert done.returncode == 127
    assert done.stderr == "scaffold: /no/such/program: No such file or directory\n"


def test_a_second_listener_in_the_tree_is_one_line(host: Host) -> None:
    done = host.run(trapped(*trapped("true")), shim=False)
    assert done.returncode == 1
    assert done.stderr.startswith("scaffold: --trap: a seccomp listener watches this process tree")
    assert done.stderr.count("\n") == 1


def test_the_command(host: Host, server: str, busybox: str) -> None:
    command = Path(sys.executable).parent / "scaffold"
    url = f"http://{server}:8080/command"
    done = host.run([command, "run", "--trap", "--", busybox, "wget", "-qO-", url], shim=False)
    assert done.stdout.startswith("/command  from"), done


def test_programs_look_names_up_themselves(
    host: Host, server: str, web: Path, busybox: str
) -> None:
    url = f"http://{NAME}:8080/name"
    for command in ([web, "get", "20", url], [busybox, "wget", "-qO-", url]):
        done = host.run(trapped(*command), shim=False)
        assert "/name  from 198.18." in done.stdout, done


def test_a_malformed_name_does_not_exist(host: Host, server: str, web: Path) -> None:
    done = host.run(trapped(web, "get", "1", "http://lonely.scaffold:8080/"), shim=False)
    assert "no such host" in done.stderr, done
