"""tinyproxy takes requests by service name, and fetches from a service: an unmodified web server on
the client's host.
"""

import subprocess
import sys
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

PROXY, PORT = "proxy.demo.scaffold", 8888
WEB = "web.demo.scaffold"
BYTES = 4 << 20


def serve(host: Host, folder: Path) -> "subprocess.Popen[bytes]":
    """tinyproxy, which is told of its service from outside: its Listen takes numbers only."""
    config = folder / "tinyproxy.conf"
    config.write_text(f'Port {PORT}\nTimeout 60\nLogFile "{folder}/tinyproxy.log"\n')
    command = [program("tinyproxy"), "-d", "-c", config]
    return host.popen(command, service=PROXY, stderr=subprocess.DEVNULL)


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """A file through the proxy; contents must agree."""
    check_level(level)
    folder, target = lab.folder / client / "www", lab.folder / client / "target"
    digest = make_file(folder / "blob", BYTES)
    command = [sys.executable, "-u", "-m", "http.server", "80", "--directory", folder]
    quiet = subprocess.DEVNULL
    httpd = lab[client].popen(command, service=WEB, stdout=quiet, stderr=quiet)
    proxy = serve(lab[server], lab.folder / server)
    lab.await_service(f"{WEB}:80", process=httpd)
    lab.await_service(f"{PROXY}:{PORT}", process=proxy)
    result = Result()
    with verified(lab, server, "tinyproxy", result):
        wget = ["wget", "-q", "--tries=1", "-O", target, f"http://{WEB}/blob"]
        way = {"http_proxy": f"http://{PROXY}:{PORT}"}
        succeeded(lab[client].run(wget, env=way), "wget")
        expect(sha256(target) == digest, "the file arrived with different contents")
    ends = {flow["service"] for flow in result.flows}
    expect(len(ends) == 2, f"tinyproxy's flows are with {ends}")
    return result
