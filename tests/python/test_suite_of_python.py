"""Python's own tests of `socket`, with the calls of `scaffold.inet` in the place of its own, and
those of asyncio, whose loops have them as soon as `scaffold.inet` is imported."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from scaffold.scenario import MissingProgram

RENAMED = re.compile(
    r"\bsocket\.((?:socket|fromfd|create_connection|create_server|getaddrinfo|gethostbyname"
    r"|inet_aton|inet_ntoa|inet_pton|inet_ntop)\()"
)
WITHOUT = """
for _name in [name for name in globals() if "VSOCK" in name]:  # it hangs natively, too
    del globals()[_name]
"""


OF_LOOPS = ("base_events", "events", "selector_events", "sendfile", "server", "sock_lowlevel",
            "streams", "unix_events")  # fmt: skip
"""asyncio's tests that are about sockets."""
LOADED = f"""
def load_tests(loader, standard_tests, pattern):
    return loader.loadTestsFromNames(f"test.test_asyncio.test_{{it}}" for it in {OF_LOOPS})
"""


def origin(module: str) -> Path:
    """Of the Python that runs."""
    spec = find_spec(module) if find_spec("test") else None
    if spec is None or spec.origin is None:
        raise MissingProgram("CPython's own tests: apt-get install libpython3.11-testsuite")
    return Path(spec.origin)


def failures(text: str, folder: Path) -> set[str]:
    """The tests that fail."""
    folder.mkdir()
    (folder / "test_of_sockets.py").write_text(text)
    command = [sys.executable, "-m", "unittest", "test_of_sockets"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert re.search(r"^Ran [4-9]\d\d tests", done.stderr, re.MULTILINE), done.stderr
    return set(re.findall(r"^(?:ERROR|FAIL): (.*)", done.stderr, re.MULTILINE))


@pytest.mark.full
def test_socket(tmp_path: Path) -> None:
    text = origin("test.test_socket").read_text() + WITHOUT
    changed, count = RENAMED.subn(r"scaffold.inet.\1", text)
    assert count > 200
    changed = changed.replace("import socket\n", "import socket\nimport scaffold.inet\n", 1)
    natively = failures(text, tmp_path / "native")
    assert failures(changed, tmp_path / "ours") <= natively


@pytest.mark.full
def test_asyncio(tmp_path: Path) -> None:
    origin("test.test_asyncio")
    natively = failures(LOADED, tmp_path / "native")
    assert failures("import scaffold.inet\n" + LOADED, tmp_path / "ours") <= natively
