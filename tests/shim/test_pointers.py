"""Bad pointers on plain sockets are the kernel's business under the shim, too."""

import subprocess
import sys

from scaffold import doctor
from scaffold.lab import Host


def answers(host: Host, shim: bool) -> list[str]:
    names = "\n".join(doctor.chosen(["pointers", "flags"]))
    command = [sys.executable, "-m", "scaffold.doctor.ask", "2"]
    with host.popen(
        command, shim=shim, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        output, _ = process.communicate(names, timeout=120)
    return sorted(output.splitlines())


def test_plain_sockets(shared_host: Host) -> None:
    native, ours = answers(shared_host, shim=False), answers(shared_host, shim=True)
    assert len(native) > 40
    assert ours == native
