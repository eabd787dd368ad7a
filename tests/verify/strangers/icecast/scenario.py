"""Icecast hands a file out by service name, to an unmodified wget."""

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

SERVICE, PORT = "radio.demo.scaffold", 8000
BYTES = 4 << 20
_CONFIG = """<icecast>
<authentication><source-password>a</source-password><relay-password>b</relay-password>
<admin-user>c</admin-user><admin-password>d</admin-password></authentication>
<hostname>{service}</hostname><fileserve>1</fileserve>
<listen-socket><port>{port}</port></listen-socket>
<paths><logdir>{folder}</logdir><webroot>{folder}</webroot><adminroot>{folder}</adminroot></paths>
<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
<security><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>
</icecast>
"""


def serve(host: Host, folder: Path) -> "subprocess.Popen[bytes]":
    """icecast over a folder; it does not go on as root. It is told of its service from outside:
    its bind-address takes numbers only."""
    config = folder / "icecast.xml"
    config.write_text(_CONFIG.format(service=SERVICE, port=PORT, folder=folder))
    for path in (host.lab.folder, folder.parent):
        path.chmod(0o711)
    folder.chmod(0o777)
    command = [program("icecast"), "-c", config]
    return host.popen(command, service=SERVICE, stderr=subprocess.DEVNULL)


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """Contents must agree."""
    check_level(level)
    folder, target = lab.folder / server / "web", lab.folder / client / "target"
    digest = make_file(folder / "blob.mp3", BYTES)
    radio = serve(lab[server], folder)
    lab.await_service(f"{SERVICE}:{PORT}", process=radio)
    result = Result()
    with verified(lab, server, "icecast", result):
        url = f"http://{SERVICE}:{PORT}/blob.mp3"
        command = ["wget", "-q", "--tries=1", "-O", target, url]
        succeeded(lab[client].run(command), "wget")
        expect(sha256(target) == digest, "the file arrived with different contents")
    return result
