"""`ssl`, asyncio, multiprocessing and gevent with sockets of ours, on a service and on plain IP."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from python.users_of_sockets import BODIES, NAME, UNDER_GEVENT
from scaffold.lab import Lab
from scaffold.scenario import MissingProgram

PROGRAM = Path(__file__).with_name("users_of_sockets.py")
EXTENSIONS = [f"subjectAltName=DNS:{NAME}", "keyUsage=digitalSignature,keyCertSign"]


@cache
def certificate(folder: Path) -> Path:
    """A new key, and its certificate, which signs itself."""
    if shutil.which("openssl") is None:
        raise MissingProgram("openssl")
    path = folder / "users.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-subj", f"/CN={NAME}", *(word for it in EXTENSIONS for word in ("-addext", it))]
    command = ["openssl", "req", "-x509", *curve, *about, "-keyout", path, "-out", path]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


def run(hosts: Lab, folder: Path, body: str, gevent: str) -> None:
    command = [sys.executable, "-W", "error", PROGRAM, body, gevent, certificate(folder)]
    done = hosts["a"].run(command, shim=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("body", [body.__name__ for body in BODIES])
def test_body(body: str, hosts: Lab, folder: Path) -> None:
    run(hosts, folder, body, "never")


@pytest.mark.parametrize("body", [body.__name__ for body in UNDER_GEVENT])
@pytest.mark.parametrize("patched", ["early", "late"])
def test_under_gevent(body: str, patched: str, hosts: Lab, folder: Path) -> None:
    """`early`: what is ours is imported first."""
    run(hosts, folder, body, patched)
