"""civetweb, Mongoose's fork, serves files and CGI by service name to several clients at once.

Short: 4 clients, a file of 4 MiB and 25 CGI requests each. Full: 16 clients, 64 MiB, 500 requests.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scaffold.lab import Host, Lab
from scaffold.scenario import Result, check_level, expect, make_file, program, sha256, verified

SERVICE = "pages.demo.scaffold"
PORT = 8080
MIB = 1 << 20
_CLIENT = Path(__file__).with_name("client.py")
# It does not read to the end of its input: pipes of civetweb leak into scripts that start at the
# same time, so that two of them may wait for each other for ever, on plain TCP as well.
_CGI = """#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "$REQUEST_METHOD $QUERY_STRING"
[ -z "$CONTENT_LENGTH" ] || head -c "$CONTENT_LENGTH"
"""


def serve(
    host: Host,
    folder: Path,
    service: str = SERVICE,
    port: int = PORT,
    *,
    threads: int = 32,
    level: str = "shim",
) -> subprocess.Popen[bytes]:
    """civetweb over a folder, with `echo.cgi` in it, as port 8080 of the service."""
    script = folder / "echo.cgi"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_CGI)
    script.chmod(0o755)
    native = level == "native"
    options = {"document_root": folder, "num_threads": threads}
    options |= {"listening_ports": f"{service}:{port}" if native else port}
    options |= {"enable_keep_alive": "yes", "keep_alive_timeout_ms": 5000}
    command = [program("civetweb")]
    for name, value in options.items():
        command += [f"-{name}", str(value)]
    with log_of(folder).open("wb") as log:
        return host.popen(command, service=None if native else service, stdout=log)


def log_of(folder: Path) -> Path:
    """What the server over a folder prints."""
    return folder.with_suffix(".log")


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
    name: str = "civetweb",
    serve: Callable[..., subprocess.Popen[bytes]] = serve,
) -> Result:
    """Every client fetches the file and posts to the script; all of it must come back right.

    `serve` starts another server's program `name` over a folder.
    """
    check_level(level)
    clients, size, requests = (16, 64 * MIB, 500) if full else (4, 4 * MIB, 25)
    folder = lab.folder / server / "pages"
    digest = make_file(folder / "blob", size)
    result = Result()
    httpd = serve(lab[server], folder, level=level)
    lab.await_service(f"{SERVICE}:{PORT}", process=httpd)
    with verified(lab, server, name, result):
        command = [sys.executable, _CLIENT, f"http://{SERVICE}:{PORT}", str(requests)]
        processes = [
            lab[client].popen([*command, str(number)], stdout=subprocess.PIPE)
            for number in range(clients)
        ]
        for process in processes:
            output, _ = process.communicate(timeout=60 + clients * size / MIB)
            expect(process.returncode == 0, f"a client ended with {process.returncode}")
            answer = json.loads(output)
            expect(answer["sha256"] == digest, "the file arrived with different contents")
            expect(answer["wrong"] == 0, f"{answer['wrong']} answers of the script were wrong")
            expect(answer["requests"] == requests, "a client stopped early")
    expect(sha256(folder / "blob") == digest, "the file changed on the server")
    result.figures.update(clients=clients, bytes=clients * size, requests=clients * requests)
    lab[server].end(httpd)
    named = f"{SERVICE}:{PORT}" in log_of(folder).read_text()
    expect(named or level != "native", f"it does not print {SERVICE}")
    return result
