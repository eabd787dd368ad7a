"""A host's own name and a port reach whatever serves that port there, from its own host, too."""

import subprocess
import sys

import pytest

from e2e.common import PEER, PORT, reader, serve
from scaffold.lab import Lab

pytestmark = [pytest.mark.hosts, pytest.mark.spread]
HOST = "b.host.scaffold"


@pytest.mark.parametrize("where", ["a", "b"])
def test_a_service_by_its_host_and_port(loopback_lab: Lab, where: str) -> None:
    server = serve(loopback_lab, "source")
    client = reader(loopback_lab[where], HOST)
    assert server.stdout is not None
    assert server.stdout.readline() == b"accepted\n"
    loopback_lab[where].end(client)


@pytest.mark.parametrize("where", ["a", "b"])
def test_a_port_that_nothing_serves(loopback_lab: Lab, where: str) -> None:
    serve(loopback_lab, "source")
    command = [sys.executable, PEER, "read", HOST, str(PORT + 1)]
    client = loopback_lab[where].popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, complaint = client.communicate(timeout=30)
    assert b"ConnectionRefusedError" in complaint
