"""tftp-hpa: files are fetched from and stored on in.tftpd by service name.

The server answers each request from a new socket, bound to the address that the request was for.
1 B, 512 B (a full last block), 513 B and 10 MiB; short: 1 MiB instead of 10.
"""

import os
import subprocess
from pathlib import Path

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
    program("tftp", "tftp-hpa")
    sizes = (1, 512, 513, 10 * MIB if full else MIB)
    folder, home = lab.folder / server / "tftp", lab.folder / client / "tftp"
    for one in (folder, home):
        one.mkdir(parents=True, exist_ok=True)
        one.chmod(0o777)
    result = Result()
    tftpd = serve(lab[server], folder)
    lab.await_service(f"{SERVICE}:{PORT}/udp", process=tftpd)
    with verified(lab, client, "tftp", result):
        for size in sizes:
            digest = make_file(folder / f"get{size}", size)
            (folder / f"get{size}").chmod(0o644)
            _transfer(lab, client, "get", folder / f"get{size}", home / "got")
            expect(sha256(home / "got") == digest, f"{size} bytes arrived differently")
            digest = make_file(home / f"put{size}", size)
            _transfer(lab, client, "put", home / f"put{size}", folder / "stored")
            expect(sha256(folder / "stored") == digest, f"{size} bytes were stored differently")
    result.figures["bytes"] = 2 * sum(sizes)
    lab[server].end(tftpd)
    return result


def _transfer(lab: Lab, client: str, verb: str, source: Path, target: Path) -> None:
    command = [program("tftp", "tftp-hpa"), "-4", "-m", "binary", SERVICE, str(PORT), "-c"]
    done = lab[client].run([*command, verb, str(source), str(target)], timeout=100)
    scenario.succeeded(done, f"tftp {verb}")
    expect("rror" not in done.stdout, f"tftp {verb} {source.name}: {done.stdout.strip()}")
