"""memcached serves keys by service name; the client is Python through `import scaffold`.

Short: 10,000 keys stored and read. Full: 1,000,000.
"""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

from scaffold.lab import Host, Lab
from scaffold.scenario import Result, check_level, expect, program, verified

SERVICE = "cache.demo.scaffold"
PORT = 11211
_CLIENT = Path(__file__).with_name("client.py")


def serve(host: Host, service: str = SERVICE, level: str = "shim") -> subprocess.Popen[bytes]:
    """memcached with its usual four threads; it drops root by itself where the lab allows that."""
    nobody = pwd.getpwnam("nobody").pw_uid
    name = "nobody" if nobody in host.lab.allow_uids else "root"
    user = ["-u", name] if os.geteuid() == 0 else []
    command = [program("memcached"), "-p", str(PORT), "-U", "0", "-m", "1024", *user]
    if level == "native":
        return host.popen([*command, "-l", service])
    return host.popen(command, service=service)


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
    keys: int | None = None,
) -> Result:
    """Store and read keys; every value must come back as it was stored."""
    check_level(level)
    keys = keys or (1_000_000 if full else 10_000)
    result = Result()
    cache = serve(lab[server], level=level)
    lab.await_service(f"{SERVICE}:{PORT}", process=cache)
    with verified(lab, client, Path(sys.executable).resolve().name, result):
        command = [sys.executable, _CLIENT, f"{SERVICE}:{PORT}", str(keys)]
        done = lab[client].run(command, shim=False, timeout=60 + keys / 500)
        expect(done.returncode == 0, f"the client failed: {done.stderr.strip()}")
        answer = json.loads(done.stdout)
        expect(answer["wrong"] == 0, f"{answer['wrong']} of {keys} keys came back differently")
        shown = f"tcp:{SERVICE}:{PORT}" in answer["addresses"]
        expect(shown or level != "native", f"its statistics show {answer['addresses']}")
        result.figures.update(keys=keys, operations_s=2 * keys / answer["seconds"])
    lab[server].end(cache)
    return result
