"""`make demo`: unmodified programs reach services by name over the user-space transport.

Hosts are network namespaces for root and loopback ports otherwise. Prints what it did, ends what it
started, exits 0; with a plain reason and 1 when something failed.
"""

import pwd
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

import scaffold
from scaffold import scenario
from scaffold.lab import Lab
from scaffold.scenario import MissingProgram, Result, ScenarioError, expect

APPS = Path(__file__).parents[2] / "ported-apps"
FILE_SIZE = 100_000_000
DOWNLOADS = 20
"""All from one of two instances: by chance once in half a million runs."""
KEYS = 10_000
NOBODY = pwd.getpwnam("nobody").pw_uid

console = Console(highlight=False, width=100)
wget = scenario.load(APPS, "wget")
memcached = scenario.load(APPS, "memcached")
iperf = scenario.load(APPS, "iperf")


def done(text: str) -> None:
    console.print(f"   [green]ok[/] {text}")


def title(number: int, text: str) -> None:
    console.print(f"[bold]{number}. {text}[/]")


def serve(lab: Lab, host: str, instances: int) -> tuple[subprocess.Popen[bytes], str]:
    """The demo's web server on a host, with a file and the host's own name in it."""
    folder = lab.folder / host / "www"
    digest = scenario.make_file(folder / "file", FILE_SIZE if instances == 1 else 1000)
    (folder / "whoami").write_text(host)
    server = wget.serve(lab[host], folder)
    lab.await_service(f"{wget.SERVICE}:80", instances=instances, process=server)
    return server, digest


def one_download(lab: Lab, digest: str) -> None:
    title(1, f"B serves a folder as {wget.SERVICE}; A fetches a file of 100 MB by that name")
    result = Result()
    target = lab.folder / "a" / "file"
    with scenario.verified(lab, "a", "wget", result):
        seconds = wget.fetch(lab["a"], "file", target)
    expect(scenario.sha256(target) == digest, "the checksums differ")
    flow = max(result.flows, key=lambda one: one["rx_bytes"])
    done(f"wget http://{wget.SERVICE}/file: {FILE_SIZE * 8 / seconds / 1e6:,.0f} Mbit/s")
    done(f"sha256 {digest[:16]}... at both ends; flow of {flow['program']} on the user plane")
    if lab.kind == "namespaces":
        done("a capture of the link shows nothing but SCAFFOLD's UDP port")


def whoami(lab: Lab) -> Counter[str]:
    """Which instance answered each of some downloads."""
    target = lab.folder / "a" / "whoami"
    names: Counter[str] = Counter()
    for _ in range(DOWNLOADS):
        wget.fetch(lab["a"], "whoami", target)
        names[target.read_text()] += 1
    return names


def two_instances(lab: Lab, first: subprocess.Popen[bytes]) -> None:
    title(2, "a second instance starts on C; then B's server is killed")
    serve(lab, "c", instances=2)
    before = whoami(lab)
    expect(set(before) == {"b", "c"}, f"{DOWNLOADS} downloads went to {dict(before)}")
    done(f"{DOWNLOADS} downloads: {before['b']} from B, {before['c']} from C")
    first.kill()
    first.wait()
    start = time.monotonic()
    after = whoami(lab)
    expect(set(after) == {"c"}, f"after the kill, downloads came from {dict(after)}")
    seconds = time.monotonic() - start
    done(f"kill -9 of B's server; the next {DOWNLOADS} all succeed, from C, in {seconds:.1f} s")


def cache(lab: Lab) -> None:
    title(3, f"memcached on B as {memcached.SERVICE}; the client is Python's `import scaffold`")
    result = memcached.run(lab, keys=KEYS)
    rate = result.figures["operations_s"]
    done(f"{KEYS:,} keys stored and read back, none wrong: {rate:,.0f} operations/s")


def bandwidth(lab: Lab) -> None:
    title(4, f"iperf on B as {iperf.SERVICE}, beside plain TCP on the same link")
    tcp = iperf.plain(lab, seconds=3)
    result = iperf.run(lab, seconds=3)
    user = result.figures["out_mbit_s"]
    done(f"SCAFFOLD, user plane: {user:,.0f} Mbit/s ({result.figures['back_mbit_s']:,.0f} back)")
    done(f"plain TCP:            {tcp:,.0f} Mbit/s; ratio {user / tcp:.2f}")


def demo() -> None:
    start = time.monotonic()
    with Lab(["a", "b", "c"], router="b", allow_uids=[NOBODY]) as lab:
        lab.start()
        kind = "network namespaces" if lab.kind == "namespaces" else "loopback ports"
        console.print(f"[bold]SCAFFOLD {scaffold.__version__}[/]: hosts A, B, C in {kind}")
        server, digest = serve(lab, "b", instances=1)
        one_download(lab, digest)
        two_instances(lab, server)
        for step in (cache, bandwidth):
            try:
                step(lab)
            except MissingProgram as missing:
                console.print(f"   [yellow]left out[/] {missing}")
    console.print(f"All of it in {time.monotonic() - start:.0f} s; everything started has ended.")


def on_terminate(number: int, frame: Any) -> None:
    sys.exit(128 + number)


def main() -> int:
    signal.signal(signal.SIGTERM, on_terminate)
    try:
        demo()
    except (MissingProgram, ScenarioError, OSError, subprocess.TimeoutExpired) as error:
        console.print(f"[red]failed[/] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; everything started has ended")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
