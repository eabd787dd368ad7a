"""scaffoldds die by turns under load: what the tests of it share, in short and in full form."""

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.common import line, within
from scaffold.lab import Host, Lab, instances_of

PROGRAM = Path(__file__).with_name("load.py")
HOSTS = ["r", "a", "b", "c"]
SERVERS = {"r": 2, "a": 3, "b": 3}
"""How many services of its own a host has; all of them serve one more together."""
TOGETHER = "all.kills.scaffold:80"
DATAGRAMS = "udp.kills.scaffold"


def own_services(host: str) -> list[str]:
    return [f"{host}{i}.kills.scaffold:80" for i in range(SERVERS.get(host, 0))]


@dataclass
class Outcome:
    kills: int = 0
    back: list[float] = field(default_factory=list)
    """Seconds after each restart until every stream service answered every host."""
    done: dict[str, int] = field(default_factory=dict)


class Kills:
    """Servers, clients and probes on four hosts; `round` kills and starts again."""

    def __init__(self, lab: Lab, seed: int):
        self.lab, self.dice = lab, random.Random(seed)
        self.outcome = Outcome()
        self.streams = [*(s for host in HOSTS for s in own_services(host)), TOGETHER]
        for host in SERVERS:
            self._start(lab[host], "serve", *own_services(host), TOGETHER, shim=False)
        self._start(lab["b"], "datagrams", "53", service=DATAGRAMS)
        within(30, self.all_registered)
        self.addresses = self._addresses()
        names = [*self.streams, f"{DATAGRAMS}:53"]
        self.probes = [self._start(lab[host], "probe", *names) for host in ("r", "b", "c")]
        self.probe()
        self.clients = [
            self._start(lab[host], "client", str(seed + 100 * i), *names)
            for i, host in enumerate(HOSTS)
        ]

    def _start(self, host: Host, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        process = host.popen(
            [sys.executable, PROGRAM, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **options,
        )
        line(process, b"ready\n")
        return process

    def _addresses(self) -> str:
        hosts = sorted({name.rsplit(":", 1)[0] for name in self.streams})
        code = "import socket, sys; print([socket.gethostbyname(n) for n in sys.argv[1:]])"
        return self.lab["c"].run([sys.executable, "-c", code, *hosts]).stdout

    def all_registered(self) -> bool:
        """As the router has it, and each host for itself."""
        router = self.lab.router.status()
        for host in SERVERS:
            own = self.lab[host].status()
            for service in [*own_services(host), TOGETHER]:
                for status in (router, own):
                    found = [one["host"] for one in instances_of(status, service)]
                    if found.count(host) != 1:
                        return False
        return len(instances_of(router, TOGETHER)) == len(SERVERS)

    def probe(self) -> dict[str, float]:
        """Seconds until each service answers on every host that asks."""
        for probe in self.probes:
            assert probe.stdin
            probe.stdin.write(b"\n")
            probe.stdin.flush()
        all_took = []
        for probe in self.probes:
            assert probe.stdout
            all_took.append(json.loads(probe.stdout.readline()))
        return {name: max(took[name] for took in all_took) for name in self.streams}

    def round(self) -> None:
        """One or two scaffoldds go, by signal or by order, and come back after a while."""
        names = self.dice.sample(HOSTS, self.dice.choice([1, 1, 2]))
        victims = [self.lab[name] for name in names]
        how = self.dice.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        pause = self.dice.choice([0, 0, 0.1, 1, 3])
        time.sleep(self.dice.uniform(0, 0.5))
        for victim in victims:
            assert victim.daemon
            victim.daemon.send_signal(how)
            victim.daemon.wait()
        time.sleep(pause)
        for victim in sorted(victims, key=lambda host: host is not self.lab.router):
            is_router = victim is self.lab.router
            other_port = not is_router and self.dice.random() < 0.5
            victim.scaffoldd(**({"port": 0} if other_port else {}))
        took = max(self.probe().values())
        print(f"{how.name} of {' and '.join(names)}, {pause} s: back after {took:.2f} s")
        within(30, self.all_registered)
        self.outcome.kills += len(victims)
        self.outcome.back.append(took)

    def restart(self) -> dict[str, float]:
        """Some scaffoldds die, and come back in another order; gives what `probe` does."""
        names = self.dice.sample(HOSTS, self.dice.randint(1, len(HOSTS)))
        order = self.dice.sample(names, len(names))
        time.sleep(self.dice.uniform(0, 1))
        for name in names:
            self.lab[name].kill_scaffoldd()
        for name in order:
            self.lab[name].scaffoldd()
        took = self.probe()
        print(f"{' '.join(names)} died, {' '.join(order)}: back after {max(took.values()):.2f} s")
        within(60, self.all_registered)
        self.outcome.kills += len(names)
        self.outcome.back += took.values()
        return took

    def _streams_of(self, host: str) -> list[Any]:
        flows = self.lab[host].status()["flows"]
        return [flow for flow in flows if flow["state"] != "datagram"]

    def finish(self) -> Outcome:
        """Ends the load: nothing was broken, and no flow is left that nobody holds."""
        for client in self.clients:
            output, _ = client.communicate(timeout=60)
            assert client.returncode == 0, "see stderr"
            for what, count in json.loads(output).items():
                self.outcome.done[what] = self.outcome.done.get(what, 0) + count
        assert self._addresses() == self.addresses
        within(90, lambda: not any(self._streams_of(host) for host in HOSTS))
        print(self.outcome.done)
        for what in ("get", "put", "ask", "datagrams"):
            assert self.outcome.done.get(what, 0) > 0, self.outcome.done
        return self.outcome
