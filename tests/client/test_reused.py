"""Numbers that another socket had before, in ways that nobody sees."""

import socket
import subprocess
from pathlib import Path

import pytest

from scaffold import paths
from scaffold.lab import Lab

PROGRAM = Path(__file__).with_name("reused.c")
INCLUDE = Path(__file__).parents[2] / "libscaffold/include"


@pytest.mark.parametrize("linked", [False, True], ids=["shim", "linked"])
def test_a_listener_gets_the_number_of_a_plain_socket(linked: bool, tmp_path: Path) -> None:
    library = paths.part("libscaffold.so")
    flags = ["-DLINKED", f"-I{INCLUDE}", library, f"-Wl,-rpath,{library.parent}"]
    program = tmp_path / "reused"
    words = ["cc", "-Wall", "-Werror", "-o", program, PROGRAM]
    subprocess.run([*words, *(flags if linked else [])], check=True)
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        done = lab["a"].run([program], shim=not linked, all_local=True, timeout=60)
    assert done.stdout == f"{socket.AF_INET:d} {socket.AF_INET:d}\n"
