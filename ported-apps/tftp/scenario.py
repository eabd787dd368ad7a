"""tftp: files are fetched from and stored on a server by service name.

tftp-hpa under the shim; built from source it is inetutils' tftp, and its tftpd, which inetd starts.
Both servers answer each request from a new socket. 1 B, 512 B (a full last block), 513 B and
10 MiB; short: 1 MiB instead of 10.
"""

import os
import pwd
import subprocess
from pathlib import Path
from tempfile import NamedTemporaryFile

from scaffold import scenario
from scaffold.lab import Host, Lab
from scaffold.scenario import Result, check_level, expect, make_file, program, sha256, verified

SERVICE = "boot.demo.scaffold"
PORT = 69
MIB = 1 << 20


def serve(host: Host, folder: Path, service: str = SERVICE) -> subprocess.Popen[bytes]:
    """in.tftpd in the foreground, as UDP port 69 of the service; existing files may be written."""
    command = [program("in.tftpd", "tftpd-hpa"), "-L", "-4", "-a", f"0.0.0.0:{PORT}", "-c", "-p"]
    user = ["-u", "root"] if os.geteuid() == 0 else []
    return host.popen([*command, *user, str(folder)], service=service)


def serve_by_inetd(host: Host, folder: Path) -> subprocess.Popen[bytes]:
    """inetutils' inetd, which listens; its configuration names the service."""
    config = folder.parent / "inetd.conf"
    user = pwd.getpwuid(os.geteuid()).pw_name
    tftpd = program("tftpd")
    config.write_text(f"{SERVICE}:tftp dgram udp4 wait {user} {tftpd} tftpd -l -n {folder}\n")
    command = [program("inetd"), "-d", "--pidfile=", config]
    with log_of(folder).open("wb") as log:
        return host.popen(command, stderr=log)


def log_of(folder: Path) -> Path:
    """What inetd says as it runs."""
    return folder.parent / "inetd.log"


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """Each file there and back; contents must agree at both ends."""
    check_level(level)
    shim = level == "shim"
    transfer = _transfer if shim else _transfer_by_commands
    sizes = (1, 512, 513, 10 * MIB if full else MIB)
    folder, home = lab.folder / server / "tftp", lab.folder / client / "tftp"
    for one in (folder, home):
        one.mkdir(parents=True, exist_ok=True)
        one.chmod(0o777)
    result = Result()
    host = lab[server]
    tftpd = serve(host, folder) if shim else serve_by_inetd(host, folder)
    lab.await_service(f"{SERVICE}:{PORT}/udp", process=tftpd)
    with verified(lab, client, "tftp", result):
        for size in sizes:
            digest = make_file(folder / f"get{size}", size)
            (folder / f"get{size}").chmod(0o644)
            transfer(lab, client, "get", folder / f"get{size}", home / "got")
            expect(sha256(home / "got") == digest, f"{size} bytes arrived differently")
            digest = make_file(home / f"put{size}", size)
            (folder / "stored").touch()  # inetutils' tftpd makes no files
            (folder / "stored").chmod(0o666)
            transfer(lab, client, "put", home / f"put{size}", folder / "stored")
            expect(sha256(folder / "stored") == digest, f"{size} bytes were stored differently")
    result.figures["bytes"] = 2 * sum(sizes)
    lab[server].end(tftpd)
    if level == "native":
        log = log_of(folder).read_text()
        expect(SERVICE in log, f"inetd's log does not name the service: {log}")
    return result


def _transfer(lab: Lab, client: str, verb: str, source: Path, target: Path) -> None:
    command = [program("tftp", "tftp-hpa"), "-4", "-m", "binary", SERVICE, str(PORT), "-c"]
    done = lab[client].run([*command, verb, str(source), str(target)], timeout=100)
    scenario.succeeded(done, f"tftp {verb}")
    expect("rror" not in done.stdout, f"tftp {verb} {source.name}: {done.stdout.strip()}")


def _transfer_by_commands(lab: Lab, client: str, verb: str, source: Path, target: Path) -> None:
    """inetutils' tftp reads commands, and exits with 0 whatever happens."""
    script = f"mode octet\nverbose\n{verb} {source} {target}\nstatus\n"
    words = [program("tftp"), SERVICE, str(PORT)]
    with NamedTemporaryFile("w+") as commands:
        commands.write(script)
        commands.flush()
        commands.seek(0)
        done = lab[client].run(words, stdin=commands, timeout=100)
    scenario.succeeded(done, f"tftp {verb}")
    expect("rror" not in done.stdout, f"tftp {verb} {source.name}: {done.stdout.strip()}")
    expect(f"Connected to {SERVICE}." in done.stdout, f"tftp's status: {done.stdout}")
