"""The scenarios of `ported-apps/` in full form, and the long transfers."""

import pwd
import shutil
from pathlib import Path

import pytest

from e2e.common import APPS, OTHERS, memcached, wget
from e2e.relay import Harm, harmed_lab
from scaffold import namespaces, scenario
from scaffold.lab import Lab

pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.timeout(1800)]

GIB = 1 << 30


@pytest.mark.parametrize("app", ["wget", "memcached", "iperf", *OTHERS])
def test_scenario(app: str, kind: str, figures: dict[str, float]) -> None:
    """Three times in a row. A server that drops root is known to scaffoldd."""
    nobody = pwd.getpwnam("nobody").pw_uid
    for _ in range(3):
        with Lab(["a", "b"], router="b", kind=kind, allow_uids=[nobody]) as lab:
            lab.start()
            figures.update(scenario.load(APPS, app).run(lab, full=True).figures)


def test_a_gib_through_loss(root_only: None, figures: dict[str, float]) -> None:
    """1 % of the packets dropped by nftables, offloads off."""
    with Lab(["a", "b"], router="b", drop_per_mille=10) as lab:
        lab.start()
        figures.update(wget.run(lab, size=GIB).figures)
        figures["dropped"] = namespaces.dropped(lab["a"].namespace or "")
        assert figures["dropped"] > 1000


def test_a_gib_through_reordering(root_only: None, figures: dict[str, float]) -> None:
    """1 % dropped, 5 % overtaken, 5 % twice."""
    with harmed_lab(Harm(drop=10, late=50, double=50), seed=2) as (lab, relay):
        figures.update(wget.run(lab, size=GIB).figures)
        figures.update(relay.counts)


def test_valgrind(figures: dict[str, float]) -> None:
    """Both scaffoldds under valgrind carry 1 MiB and 100 keys, with nothing to report."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.fail("valgrind is not installed (Debian: apt-get install valgrind)", pytrace=False)
    with Lab(["a", "b"], router="b", kind="loopback") as lab:
        for host in (lab["b"], lab["a"]):
            log = lab.folder / f"valgrind-{host.name}"
            host.prefix = (valgrind, "-q", f"--log-file={log}", "--leak-check=full")
            host.scaffoldd()
            host.prefix = ()
        wget.run(lab, size=1 << 20)
        memcached.run(lab, keys=100)
        for host in lab.hosts.values():
            host.close()
            # "--" is what valgrind says about itself, "==" what it says about the program
            lines = Path(lab.folder / f"valgrind-{host.name}").read_text().splitlines()
            errors = [line for line in lines if line.startswith("==")]
            assert not errors, "\n".join(errors)
