"""PowerDNS answers an unmodified dig by service name: over UDP, and a large answer over TCP.

Short: 20 names. Full: 2,000.
"""

import os
import subprocess
from pathlib import Path

from scaffold import scenario
from scaffold.lab import Host, Lab
from scaffold.scenario import Result, check_level, expect, program, verified

SERVICE = "dns.demo.scaffold"
PORT = 53
_PACKAGES = "pdns-server pdns-backend-bind"
ZONE = "example.test"
_TEXTS = 60  # of one name: more than 1,232 bytes, so that the answer over UDP is truncated
_SOA = f"@ 300 IN SOA ns.{ZONE}. admin.{ZONE}. 1 3600 600 86400 300"
_CONFIG = """launch=bind
bind-config={folder}/named.conf
config-dir={folder}
socket-dir={folder}
local-address={address}
local-port={port}
daemon=no
guardian=no
disable-syslog=yes
write-pid=no
security-poll-suffix=
{user}"""


def serve(host: Host, folder: Path, names: int, level: str) -> subprocess.Popen[bytes]:
    """pdns_server with one zone, as port 53 of the service, UDP and TCP."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [_SOA, f"@ 300 IN NS ns.{ZONE}."]
    for number in range(names):
        lines += [f"h{number} 300 IN {kind} {text}" for kind, text in records(number).items()]
    lines += [f'large 300 IN TXT "{text}"' for text in large()]
    (folder / "zone").write_text("\n".join(lines) + "\n")
    zone = f'zone "{ZONE}" {{ type master; file "{folder}/zone"; }};\n'
    (folder / "named.conf").write_text(zone)
    user = "setuid=root\n" if os.geteuid() == 0 else ""
    address, service = (SERVICE, None) if level == "native" else ("0.0.0.0", SERVICE)
    config = _CONFIG.format(folder=folder, address=address, port=PORT, user=user)
    (folder / "pdns.conf").write_text(config)
    command = [program("pdns_server", _PACKAGES), f"--config-dir={folder}"]
    with (folder / "log").open("wb") as log:
        return host.popen(command, service=service, stdout=log, stderr=log)


def records(number: int) -> dict[str, str]:
    """What the zone says of one name."""
    return {
        "A": f"192.0.2.{number % 250 + 1}",
        "AAAA": f"2001:db8::{number + 1:x}",
        "TXT": f'"text of {number}"',
    }


def large() -> list[str]:
    """The texts of the name whose answer does not fit into a datagram."""
    return [f"{number:03d}" + "x" * 60 for number in range(_TEXTS)]


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """Every record must come back as the zone has it; the truncated answer, whole, over TCP."""
    check_level(level)
    names = 2000 if full else 20
    program("dig", "bind9-dnsutils")
    program("pdns_server", _PACKAGES)
    result = Result()
    folder = lab.folder / server / "pdns"
    pdns = serve(lab[server], folder, names, level)
    for protocol in ("udp", "tcp"):
        lab.await_service(f"{SERVICE}:{PORT}/{protocol}", process=pdns)
    with verified(lab, server, "pdns_server", result):
        _ask_all(lab, client, names)
        _ask_large(lab, client)
    expect(any(flow["rx_bytes"] for flow in result.flows), "no query came over a flow")
    if level == "native":
        named = f"UDP server bound to {SERVICE}:{PORT}" in (folder / "log").read_text()
        expect(named, f"its log does not name {SERVICE}")
    result.figures["answers"] = 3 * names + 1
    lab[server].end(pdns)
    return result


def dig(lab: Lab, client: str, *words: str, timeout: float = 60) -> str:
    """What `dig @SERVICE ...` prints."""
    command = [program("dig", "bind9-dnsutils"), f"@{SERVICE}", *words]
    done = lab[client].run(command, timeout=timeout)
    scenario.succeeded(done, f"dig {' '.join(words)[:60]}: {done.stdout[-200:]}")
    return done.stdout


def _ask_all(lab: Lab, client: str, names: int) -> None:
    """All questions of one dig, one after another: each from a new port."""
    questions = lab.folder / client / "questions"
    questions.parent.mkdir(parents=True, exist_ok=True)
    asked = [
        (f"h{number}.{ZONE}", kind, text)
        for number in range(names)
        for kind, text in records(number).items()
    ]
    questions.write_text("".join(f"{name} {kind} +short +notcp\n" for name, kind, _ in asked))
    answers = dig(lab, client, "-f", str(questions), timeout=60 + names / 5).splitlines()
    expect(len(answers) == len(asked), f"{len(answers)} answers to {len(asked)} questions")
    for (name, kind, text), answer in zip(asked, answers, strict=True):
        expect(answer == text, f"{name} {kind}: {answer} instead of {text}")


def _ask_large(lab: Lab, client: str) -> None:
    truncated = dig(lab, client, f"large.{ZONE}", "TXT", "+ignore")
    expect(" tc" in truncated, "the large answer was not truncated")
    whole = dig(lab, client, f"large.{ZONE}", "TXT")
    expect("retrying in TCP mode" in whole, "dig did not ask again over TCP")
    for text in large():
        expect(f'"{text}"' in whole, f"{text} is missing in the large answer")
