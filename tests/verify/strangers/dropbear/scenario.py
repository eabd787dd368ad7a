"""Dropbear lets its own client in by service name, and a file goes there and back. Needs root."""

import os
import subprocess
from pathlib import Path

from scaffold.lab import Host, Lab
from scaffold.scenario import (
    Result,
    check_level,
    expect,
    make_file,
    program,
    sha256,
    succeeded,
    verified,
)

SERVICE, PORT = "shell.demo.scaffold", 22
BYTES = 4 << 20
AT_HOME = Path(__file__).with_name("at-home")


def make_keys(home: Path) -> Path:
    """A home whose user gets in with its own key; the server's key is beside it."""
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    keys = home / "host", home / ".ssh/id_dropbear"
    for key in keys:
        made = subprocess.run(
            [program("dropbearkey"), "-t", "ecdsa", "-f", key],
            check=True,
            capture_output=True,
            text=True,
        )
    public = next(line for line in made.stdout.splitlines() if line.startswith("ecdsa"))
    (home / ".ssh/authorized_keys").write_text(public + "\n")
    return keys[0]


def serve(host: Host, key: Path, level: str) -> "subprocess.Popen[bytes]":
    """dropbear, whose option names the service at the native level."""
    native = level == "native"
    where = f"{SERVICE}:{PORT}" if native else str(PORT)
    command = [program("dropbear"), "-F", "-E", "-r", key, "-p", where, "-P", key.with_name("pid")]
    return host.popen(command, service=None if native else SERVICE, stderr=subprocess.DEVNULL)


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """A login, and a file there and back; contents must agree."""
    check_level(level)
    expect(os.geteuid() == 0, "a home of its own takes root")
    home = lab.folder / "home"
    key = make_keys(home)
    for host in lab.hosts.values():
        host.prefix += (str(AT_HOME), str(home))
    sshd = serve(lab[server], key, level)
    lab.await_service(f"{SERVICE}:{PORT}", process=sshd)
    blob, target = lab.folder / "blob", lab.folder / "target"
    digest = make_file(blob, BYTES)
    result = Result()
    with verified(lab, client, "dbclient", result), blob.open("rb") as there:
        command = [program("dbclient"), "-y", SERVICE, f"cat >{target}; cat {target}"]
        # To a file: where a pipe is still full when the server closes, dbclient never ends, with
        # SCAFFOLD or without. It looks for channels just before it removes the last (session_loop).
        with (lab.folder / "back").open("wb") as back:
            done = lab[client].run(command, stdin=there, stdout=back)
    succeeded(done, "dbclient")
    for path in (target, lab.folder / "back"):
        expect(sha256(path) == digest, f"{path.name}: the file arrived with different contents")
    return result
