"""iperf measures one TCP stream by service name, in both directions, beside plain TCP.

Short: 3 s each way. Full: 60 s each way; no second of it may pass without a byte.
"""

import subprocess

from scaffold.lab import Host, Lab
from scaffold.scenario import Result, expect, only_shim, program, verified

SERVICE = "iperf.demo.scaffold"
PORT = 5001


def serve(host: Host, service: str = SERVICE) -> subprocess.Popen[bytes]:
    """`iperf -s` under the shim."""
    command = [program("iperf"), "-s", "-p", str(PORT)]
    return host.popen(command, service=service, stdout=subprocess.DEVNULL)


def measure(host: Host, target: str, seconds: int, *options: str, shim: bool = True) -> list[float]:
    """One `iperf -c`: Mbit/s of each second, and of the whole run at the end."""
    command = [program("iperf"), "-c", target, "-p", str(PORT), "-t", str(seconds)]
    command += ["-i", "1", "-y", "C", *options]
    done = host.run(command, shim=shim, timeout=seconds + 60)
    expect(done.returncode == 0, f"iperf -c {target}: {done.stderr.strip()}")
    rows = [line.split(",") for line in done.stdout.splitlines() if line.count(",") >= 8]
    expect(rows, f"iperf -c {target} reported nothing: {done.stderr.strip()}")
    return [float(row[8]) / 1e6 for row in rows]


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
    seconds: int | None = None,
) -> Result:
    """Both directions by name; every second must carry bytes."""
    only_shim(level)
    seconds = seconds or (60 if full else 3)
    result = Result()
    listener = serve(lab[server])
    lab.await_service(f"{SERVICE}:{PORT}", process=listener)
    with verified(lab, client, "iperf", result):
        for direction, options in (("out", ()), ("back", ("-R",))):
            rates = measure(lab[client], SERVICE, seconds, *options)
            stalls = sum(rate == 0 for rate in rates)
            expect(not stalls, f"{direction}: {stalls} of {len(rates)} seconds without a byte")
            result.figures[f"{direction}_mbit_s"] = rates[-1]
    lab[server].end(listener)
    return result


def plain(lab: Lab, *, client: str = "a", server: str = "b", seconds: int = 3) -> float:
    """The same programs over the kernel's TCP on the same link: Mbit/s."""
    address = lab[server].address
    command = [program("iperf"), "-s", "-p", str(PORT), "-B", address]
    listener = lab[server].popen(
        command, shim=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert listener.stdout is not None
    listener.stdout.readline()  # it prints a rule of dashes once it listens
    try:
        return measure(lab[client], address, seconds, shim=False)[-1]
    finally:
        lab[server].end(listener)
