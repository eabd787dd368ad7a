"""What scaffoldd's log says: of joins, services, failed flows and refusals; and how much of it."""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.common import PEER, PORT, SERVICE, line, outcome, reader, serve, within
from e2e.control import MAGIC, REPLY, REQUEST, RESOLVE, VERSION
from scaffold import ServiceError, daemon, paths
from scaffold.control import Control
from scaffold.lab import Host, Lab

pytestmark = pytest.mark.hosts

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug): \S")
MOST = 10_000_000


def said(host: Host, pattern: str) -> list[str]:
    return [text for text in host.log().splitlines() if re.search(pattern, text)]


def awaits(host: Host, pattern: str, seconds: float = 30) -> str:
    within(seconds, lambda: said(host, pattern))
    return said(host, pattern)[0]


@pytest.fixture
def two() -> Iterator[Lab]:
    with Lab(["a", "b"], kind="loopback") as lab:
        lab.start()
        yield lab


def resolve(folder: Path, name: bytes) -> int:
    """A look-up's outcome, 0 or a code of getaddrinfo."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.settimeout(30)
        control.connect(str(folder / "ctl"))
        head = struct.pack("=IHHQ", MAGIC, VERSION, RESOLVE, 0)
        control.send((head + name).ljust(REQUEST, b"\0"))
        error: int = struct.unpack_from("=i", control.recv(REPLY), 8)[0]
        return error


def refused(folder: Path, name: bytes = b"no service") -> None:
    assert resolve(folder, name) == socket.EAI_NONAME


def stop(folder: Path) -> None:
    with Control(folder) as control:
        control.stop()


def test_every_line_has_time_and_level(two: Lab) -> None:
    serve(two, "echo")
    for host in two.hosts.values():
        lines = host.log().splitlines()
        assert lines
        for text in lines:
            assert STAMP.match(text), text


def test_joins_and_services(two: Lab) -> None:
    """With who it was, and gone again."""
    router, host = two["a"], two["b"]
    process = serve(two, "echo", host=host.name)
    awaits(router, rf"info: host {host.name} joined from 127\.0\.0\.1:")
    awaits(host, r"info: joined service router ")
    awaits(router, rf"info: service {SERVICE}:{PORT}: served by host {host.name}$")
    who = rf"by pid {process.pid} \(\S+\), uid {os.geteuid()}$"
    awaits(host, rf"info: service {SERVICE}:{PORT}: served {who}")
    process.kill()
    process.wait()
    awaits(host, rf"info: service {SERVICE}:{PORT}: not served any more {who}")
    awaits(router, rf"info: service {SERVICE}:{PORT}: not served any more by host {host.name}$")
    assert host.daemon
    host.daemon.kill()
    host.daemon.wait()
    awaits(router, rf"warn: host {host.name} at 127\.0\.0\.1:\d+ was not heard for 4 s")


def test_flows_that_fail(two: Lab) -> None:
    command = [sys.executable, PEER, "read", SERVICE, str(PORT)]
    done = two["a"].run(command, timeout=60)
    assert "refused" in done.stderr + done.stdout
    text = awaits(two["a"], rf"info: flow of pid \d+ .* to {SERVICE}:{PORT} at 198\.18\.")
    assert "not opened: ECONNREFUSED" in text
    serve(two, "source")
    process = reader(two["a"])
    line(process, b"flowing\n")
    stop(two["b"].runtime_dir)
    assert outcome(process, 60)["end"] == "ECONNRESET"
    text = awaits(two["a"], rf"info: flow of pid {process.pid} .* to {SERVICE}:{PORT} at ")
    assert re.search(r"failed after \d+ bytes out and [1-9]\d* in: E[A-Z]+: ", text), text


def test_who_was_refused_and_why(two: Lab) -> None:
    host = two["a"]
    refused(host.runtime_dir)
    text = awaits(host, "info: refused RESOLVE no service of ")
    assert re.search(rf"of pid {os.getpid()} \(\S+\), uid {os.geteuid()}: ", text), text
    assert "Name or service not known: no service: a service" in text


def test_what_comes_from_outside_stays_on_its_line(two: Lab) -> None:
    """Neither a program's name nor a service's can forge a line."""
    host = two["a"]
    name = Path("/proc/self/comm").read_text()
    Path("/proc/self/comm").write_text("x\n2026 error: y")
    try:
        refused(host.runtime_dir, b"a\nb\x1b[2J")
    finally:
        Path("/proc/self/comm").write_text(name.rstrip("\n"))
    text = awaits(host, "refused RESOLVE")
    assert rf"RESOLVE a\x0ab\x1b[2J of pid {os.getpid()} (x)" in text
    assert "\x1b" not in host.log()
    assert all(STAMP.match(each) for each in host.log().splitlines())


def test_a_flood_of_refusals_is_counted(two: Lab) -> None:
    host = two["a"]
    flood = 3000
    for _ in range(flood):
        refused(host.runtime_dir)
    stop(host.runtime_dir)
    lines = said(host, "refused RESOLVE")
    left_out = [
        re.search(r"\.\.\. and (\d+) more refused calls", t) for t in host.log().splitlines()
    ]
    assert len(lines) < flood / 2
    assert len(lines) + sum(int(match[1]) for match in left_out if match) == flood


def test_debug_has_every_step() -> None:
    with Lab(["a", "b"], kind="loopback") as lab:
        for host in lab.hosts.values():
            host.scaffoldd(log="debug")
        serve(lab, "echo")
        done = lab["a"].run([sys.executable, PEER, "write", SERVICE, str(PORT), "1000", "100"])
        assert done.returncode == 0
        awaits(lab["a"], rf"debug: call RESOLVE {SERVICE} of pid ")
        awaits(lab["a"], rf"debug: flow of pid \d+ .* to {SERVICE}:{PORT} at .*: open$")
        awaits(lab["b"], rf"debug: flow of pid \d+ .* serving {SERVICE}:{PORT} from .*: accepted$")


def test_the_log_of_one_start_follows_that_of_another() -> None:
    with Lab(["a"], kind="loopback") as lab:
        for _ in range(2):
            process = lab["a"].scaffoldd()
            stop(lab["a"].runtime_dir)
            process.wait()
        assert len(said(lab["a"], "info: host a, UDP port ")) == 2
        assert len(said(lab["a"], "info: stopped by pid ")) == 2
        assert len(said(lab["a"], "info: ending; ")) == 2


def test_a_start_that_fails_says_its_own_line() -> None:
    """Not the last one of the start before it."""
    with Lab(["a"], kind="loopback") as lab:
        process = lab["a"].scaffoldd()
        stop(lab["a"].runtime_dir)
        process.wait()
        with pytest.raises(ServiceError, match=r"error: --router \[::1: ") as caught:
            lab["a"].scaffoldd(router="[::1")
        assert "Z error" not in str(caught.value)


def test_the_file_is_bounded() -> None:
    with Lab(["a"], kind="loopback") as lab:
        folder = lab["a"].runtime_dir
        folder.mkdir(parents=True)
        log = folder / "scaffoldd.log"
        log.write_bytes(b"x" * (MOST - 10) + b"\n")
        lab.start()
        assert log.stat().st_size < 10_000
        assert (folder / "scaffoldd.log.1").stat().st_size == MOST - 9
        assert said(lab["a"], "info: host a, ")


def test_logrotate(tmp_path: Path) -> None:
    """The file of another's choice, renamed by another: SIGHUP begins a new one."""
    with Lab(["a"], kind="loopback") as lab:
        log, old = tmp_path / "log", tmp_path / "old"
        process = lab["a"].scaffoldd(log_file=log)
        assert "info: host a, " in log.read_text()
        log.rename(old)
        process.send_signal(signal.SIGHUP)
        within(30, log.exists)
        within(30, lambda: "info: SIGHUP from pid " in log.read_text())
        stop(lab["a"].runtime_dir)
        assert "info: ending; " in log.read_text()
        assert "info: ending; " not in old.read_text()


def test_the_file_that_the_configuration_names(tmp_path: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        config, log = tmp_path / "c.toml", tmp_path / "log"
        config.write_text(f'log_file = "{log}"\n')
        lab["a"].scaffoldd(config=config)
        assert "info: host a, " in log.read_text()
        assert lab["a"].log() == ""


def test_a_full_disk(root_only: None, tmp_path: Path) -> None:
    """scaffoldd goes on; what is missing is said once there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        with Lab(["a"], kind="loopback") as lab:
            log, filler = disk / "log", disk / "filler"
            lab["a"].scaffoldd(log_file=log, log="debug")
            with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
                while True:
                    file.write(b"x" * 4096)
            for _ in range(500):
                resolve(lab["a"].runtime_dir, SERVICE.encode())
            filler.unlink()
            resolve(lab["a"].runtime_dir, SERVICE.encode())
            text = log.read_text()
            lost = re.search(r"Z warn: (\d+) lines are missing here, .*: No space left", text)
            assert lost
            assert 1 < int(lost[1]) < 501
            assert all(STAMP.match(each) for each in text.splitlines()[-2:])
            stop(lab["a"].runtime_dir)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_reader_that_sleeps(tmp_path: Path) -> None:
    """Standard error is a pipe that nobody reads: scaffoldd answers all the same."""
    ready, told = os.pipe()
    command = [paths.part(paths.DAEMON), "--runtime-dir", tmp_path / "run", "--state-dir"]
    command += [tmp_path / "state", "--port", "0", "--log", "debug", "--ready-fd", str(told)]
    with subprocess.Popen(command, pass_fds=[told], stderr=subprocess.PIPE) as process:
        os.close(told)
        assert os.read(ready, 512).startswith(b"ready ")
        os.close(ready)
        for _ in range(2000):  # some 100 bytes each; a pipe holds 64 KiB
            resolve(tmp_path / "run", SERVICE.encode())
        assert process.stderr
        assert os.read(process.stderr.fileno(), 1 << 20)
        stop(tmp_path / "run")
        rest = process.stderr.read().decode()
    assert re.search(r"warn: \d+ lines are missing here, which could not be written", rest)


def test_the_journal_stamps_by_itself(tmp_path: Path) -> None:
    """systemd's JOURNAL_STREAM names the socket that standard error is: levels, and no times."""
    ours, theirs = socket.socketpair()
    stat = os.fstat(theirs.fileno())
    for stream, pattern in (
        (f"{stat.st_dev}:{stat.st_ino}", rb"<6>info: host "),
        ("1:1", rb"2\d{3}-.*Z info: host "),
    ):
        command = [paths.part(paths.DAEMON), "--runtime-dir", tmp_path / "run", "--state-dir"]
        command += [tmp_path / "state", "--port", "0"]
        environment = {**os.environ, "JOURNAL_STREAM": stream}
        with subprocess.Popen(command, stderr=theirs, env=environment) as process:
            assert re.match(pattern, ours.recv(4096))
            process.terminate()
            assert process.wait() == 0
        ours.setblocking(False)
        while b"ending" not in ours.recv(1 << 16):
            pass
        ours.setblocking(True)
    ours.close()
    theirs.close()


def test_up_takes_a_log_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = daemon.Options(port=0, state_dir=tmp_path / "state", log_file=log)
    process = daemon.start(tmp_path / "run", options)
    stop(tmp_path / "run")
    process.wait()
    assert "info: host " in log.read_text()
