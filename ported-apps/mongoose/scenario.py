"""Mongoose 7 serves files and answers posts by service name to several clients at once.

The clients and what they ask are those of its fork civetweb, which stands in for it under the shim:
of Mongoose there is no binary.
"""

import subprocess
from pathlib import Path

from scaffold import scenario
from scaffold.lab import Host, Lab
from scaffold.scenario import Result, program

_FORK = scenario.load(Path(__file__).parents[1], "civetweb")


def serve(host: Host, folder: Path, *, level: str) -> subprocess.Popen[bytes]:
    """Our program on Mongoose over a folder, as port 8080 of the service."""
    native = level == "native"
    url = f"http://{_FORK.SERVICE if native else '0.0.0.0'}:{_FORK.PORT}"
    service = None if native else _FORK.SERVICE
    with _FORK.log_of(folder).open("wb") as log:
        return host.popen([program("mongoose"), url, folder], service=service, stdout=log)


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """As civetweb's."""
    hosts = {"client": client, "server": server}
    if level == "shim":
        return _FORK.run(lab, **hosts, level=level, full=full)
    return _FORK.run(lab, **hosts, level=level, full=full, name="mongoose", serve=serve)
