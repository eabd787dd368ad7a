"""redir offers a plain web server on this host as a service; wget fetches from it by name."""

import subprocess
import sys

from scaffold.lab import Lab
from scaffold.scenario import Result, check_level, expect, make_file, program, sha256, verified

SERVICE = "pages.demo.scaffold"
PORT = 80


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """What went in at one end must come out at the other."""
    check_level(level)
    result = Result()
    folder = lab.folder / server / "www"
    digest = make_file(folder / "blob", 1 << 20)
    words = [sys.executable, "-u", "-m", "http.server", "8080", "--bind", "127.0.0.1"]
    web = lab[server].popen([*words, "--directory", folder], shim=False, stdout=subprocess.PIPE)
    assert web.stdout is not None
    web.stdout.readline()
    command = [program("redir"), "-n", "-l", "debug"]
    own = level == "native"  # its own option names the service
    words = [*command, f"{SERVICE if own else ''}:{PORT}", "127.0.0.1:8080"]
    log = lab.folder / server / "redir.log"
    with log.open("w") as file:
        redir = lab[server].popen(words, service=None if own else SERVICE, stderr=file)
    lab.await_service(f"{SERVICE}:{PORT}", process=redir)
    with verified(lab, client, "wget", result):
        target = lab.folder / client / "blob"
        done = lab[client].run([program("wget"), "-q", "-O", target, f"http://{SERVICE}/blob"])
        expect(done.returncode == 0, f"wget exited with {done.returncode}: {done.stderr}")
        expect(sha256(target) == digest, "the file arrived with different contents")
    for process in (redir, web):
        lab[server].end(process)
    expect(not own or SERVICE in log.read_text(), "the log does not name the service")
    return result
