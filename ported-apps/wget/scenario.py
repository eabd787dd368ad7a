"""GNU Wget fetches files from an unmodified web server, by service name.

Short: one file of 16 MiB and the rest of a partial one. Full: 1 GiB, and a tree recursively too.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from scaffold.lab import Host, Lab
from scaffold.scenario import (
    MissingProgram,
    Result,
    check_level,
    expect,
    make_file,
    program,
    sha256,
    verified,
)

SERVICE = "web.demo.scaffold"
MIB = 1 << 20


def serve(host: Host, folder: Path, service: str = SERVICE) -> subprocess.Popen[bytes]:
    """A web server over a folder, as the service's port 80; Python's, which needs no privilege."""
    command = [sys.executable, "-u", "-m", "http.server", "80", "--directory", folder]
    output = subprocess.DEVNULL
    return host.popen(command, service=service, stdout=output, stderr=output)


def serve_nginx(host: Host, folder: Path, service: str = SERVICE) -> subprocess.Popen[bytes]:
    """The same from nginx with two workers and sendfile."""
    home = folder.parent / "nginx"
    home.mkdir(exist_ok=True)
    places = "".join(
        f"{kind}_temp_path {home}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    config = home / "nginx.conf"
    config.write_text(
        f"{user} daemon off; worker_processes 2; pid {home}/pid; error_log {home}/error.log;"
        f"events {{}} http {{ access_log off; sendfile on; {places}"
        f" server {{ listen 80; autoindex on; root {folder}; }} }}"
    )
    command = [program("nginx", "nginx-light"), "-c", config, "-e", home / "error.log"]
    return host.popen(command, service=service, stdout=subprocess.DEVNULL)


def has_nginx() -> bool:
    """True when nginx is installed."""
    try:
        program("nginx")
    except MissingProgram:
        return False
    return True


def fetch(host: Host, path: str, target: Path, *options: str, timeout: float = 60) -> float:
    """`wget` one path of the service into a file; how many seconds it took."""
    url = f"http://{SERVICE}/{path}"
    command = [program("wget"), "-q", "--tries=1", "-O", str(target), *options, url]
    start = time.monotonic()
    done = host.run(command, timeout=timeout)
    expect(done.returncode == 0, f"wget {url} exited with {done.returncode}: {done.stderr.strip()}")
    return time.monotonic() - start


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
    size: int | None = None,
) -> Result:
    """Fetch by name; contents must agree."""
    check_level(level)
    program("wget")
    size = size or (1024 * MIB if full else 16 * MIB)
    folder = lab.folder / server / "www"
    digest = make_file(folder / "blob", size)
    result = Result()
    ranges = has_nginx()
    httpd = (serve_nginx if ranges else serve)(lab[server], folder)
    lab.await_service(f"{SERVICE}:80", process=httpd)
    with verified(lab, client, "wget", result):
        target = lab.folder / client / "blob"
        seconds = fetch(lab[client], "blob", target, timeout=60 + size / MIB)
        expect(sha256(target) == digest, "the file arrived with different contents")
        result.figures["mbit_s"] = size * 8 / seconds / 1e6
        result.figures["bytes"] = size
        if ranges:  # Python's server always sends the whole file
            _resume(lab, client, target, digest)
        else:
            result.notes.append("not resumed: nginx is not installed")
        if full:
            _tree(lab, client, folder)
        if level == "native":
            _log(lab[client])
    lab[server].end(httpd)
    return result


def _resume(lab: Lab, client: str, target: Path, digest: str) -> None:
    """A partial file is completed from where it ends."""
    os.truncate(target, target.stat().st_size // 2)
    folder = target.parent
    url = f"http://{SERVICE}/{target.name}"
    command = [program("wget"), "-q", "--tries=1", "-c", "-P", str(folder), url]
    done = lab[client].run(command)
    expect(done.returncode == 0, f"wget -c exited with {done.returncode}: {done.stderr.strip()}")
    expect(sha256(target) == digest, "the resumed file has different contents")


def _log(host: Host) -> None:
    """What it says of the connection names the service, not a number."""
    done = host.run([program("wget"), "--spider", f"http://{SERVICE}/blob"])
    for line in (f"Resolving {SERVICE}... {SERVICE}\n", f"Connecting to {SERVICE}:80... connected"):
        expect(line in done.stderr, f"wget's log lacks {line!r}: {done.stderr}")


def _tree(lab: Lab, client: str, folder: Path) -> None:
    """A tree of pages and files, recursively."""
    names = [f"tree/{number}/file" for number in range(20)]
    digests = {name: make_file(folder / name, 10_000 + len(name)) for name in names}
    target = lab.folder / client / "mirror"
    url = f"http://{SERVICE}/tree/"
    command = [program("wget"), "-q", "-r", "-np", "-nH", "-P", str(target), url]
    done = lab[client].run(command)
    expect(done.returncode == 0, f"wget -r exited with {done.returncode}: {done.stderr.strip()}")
    for name, digest in digests.items():
        expect(sha256(target / name) == digest, f"{name} arrived with different contents")
