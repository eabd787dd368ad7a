"""Python packages, as their authors have published them: how each one's own tests are run, before
and after `scaffold-port rewrite`, and which of them cannot be the same."""

import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from scaffold.lab import Host
from scaffold_port.fetch.pypi import fetch

COMMAND = Path(sys.executable).parent / "scaffold-port"
TEST_S = 120
"""For one test; the slowest takes 40 s natively."""
SUITE_S = 2400
"""For all tests of a package; asyncssh's take seven minutes on two busy processors."""

_AWAIT = """
import socket, sys, time
while socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))):
    time.sleep(0.1)
"""

Outcomes = dict[str, str]
"""What became of each test: `passed`, `skipped`, `failure` or `error`."""


@dataclass(frozen=True)
class Package:
    """One of Python's package index, at a version that has its tests in the source distribution."""

    name: str
    version: str
    needs: tuple[str, ...] = ()
    """What it imports and what its tests need; pytest and gevent are there."""
    tests: tuple[str, ...] = ()
    """Words for pytest: which of its tests need no internet and no other machine."""
    modules: str = "."
    """The folder of its modules, below the source's."""
    conftest: str = ""
    """What its own test runner does beside running tests."""
    beside: tuple[str, ...] = ()
    """Folders of servers for its tests: as its tests, no part of what is rewritten."""
    server: tuple[str, ...] = ()
    """What its tests talk to, on the host that they have for themselves."""
    port: int = 0
    """Where that one listens."""
    stores: tuple[tuple[str, ...], ...] = ()
    """Servers that it reaches by name: without TLS at port 5000, with it at 5001. `{pem}` is a file
    with a key and a certificate."""
    patching: dict[str, str] = field(default_factory=dict)
    """Tests that cannot be the same, by the beginning of their names: each puts something in the
    place of `socket`, and the sentence says what."""

    def may_differ(self, test: str) -> bool:
        """Whether it is one of those."""
        return any(test.startswith(name) for name in self.patching)


@dataclass(frozen=True)
class Tree:
    """A package's source, ready to be imported and tested."""

    package: Package
    python: Path
    source: Path

    @property
    def path(self) -> str:
        """For PYTHONPATH."""
        return str(self.source / self.package.modules)

    def outcomes(self, host: Host, *more: str) -> Outcomes:
        """Of its own tests, with the server that they need."""
        if not self.package.server:
            return self._run(host, *more)
        options = {"stdout": subprocess.DEVNULL, "cwd": self.source}
        server = host.popen(self.package.server, shim=False, **options)
        try:
            host.run([self.python, "-c", _AWAIT, str(self.package.port)], shim=False)
            return self._run(host, *more)
        finally:
            host.end(server)

    def _run(self, host: Host, *more: str) -> Outcomes:
        report = self.source / "outcomes.xml"
        report.unlink(missing_ok=True)
        words = ["-q", "-o", "addopts=", f"--timeout={TEST_S}", f"--junitxml={report}"]
        done = host.run(
            [self.python, "-m", "pytest", *words, *self.package.tests, *more],
            shim=False,
            env={"PYTHONPATH": self.path},
            cwd=self.source,
            timeout=SUITE_S,
        )
        assert report.exists(), done.stdout[-2000:] + done.stderr[-2000:]
        return _read(report, str(self.source))

    def file_of(self, test: str) -> str:
        """What stands in the file of a test; `test` as the report calls it."""
        path = self.source.joinpath(*test.partition("::")[0].split("."))
        while not path.with_suffix(".py").exists():
            path = path.parent
        return path.with_suffix(".py").read_text()


def _read(report: Path, folder: str) -> Outcomes:
    """By names without the folder, which some tests have in theirs. Of several results under one
    name (subtests), one that is no success."""
    found: Outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}".replace(folder, "")
        tags = [it.tag for it in case if it.tag in ("failure", "error", "skipped")]
        if tags or name not in found:
            found[name] = tags[0] if tags else "passed"
    return found


_PATCHES = re.compile(r"(patch|setattr|Mock)[^\n]*\bsocket|\bsocket\.\w+ = ")


def patches_sockets(text: str) -> bool:
    """Whether a file of tests puts something in the place of `socket`, or of a part of it."""
    return _PATCHES.search(text) is not None


# --- from the index to a tree ---------------------------------------------------------------------


def trees(package: Package, folder: Path) -> tuple[Tree, Tree]:
    """As it was published, and rewritten.

    The names of their folders have the same length: tests that are about files have paths in their
    own names, up to a length.
    """
    python = _environment(package, folder / "environment")
    published = fetch(package.name, folder / "original", package.version)
    if package.conftest:
        (published / "conftest.py").write_text(package.conftest)
    ours = folder / "modified" / published.name
    shutil.copytree(published, ours, symlinks=True)
    words = [f"--exclude={it}" for it in package.beside]
    command = [COMMAND, "rewrite", ours, "--in-place", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr[-2000:]  # to install scaffold is left to do at least
    return Tree(package, python, published), Tree(package, python, ours)


def _environment(package: Package, folder: Path) -> Path:
    """A Python with what the package needs, beside what this one has: pytest, gevent and ours."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    about = {"base": str(folder), "platbase": str(folder)}
    beside = Path(sysconfig.get_path("purelib", vars=about), "beside.pth")
    beside.write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin/python"
    if package.needs:
        _install(python, package.needs)
    return python


def _install(python: Path, needs: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "pip", "--python", python, "install", "-q", *needs]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


# --- which ----------------------------------------------------------------------------------------

_NAME_OF_THE_MODULE = "the name `socket` in the module under test, which calls scaffold.inet"

PACKAGES: tuple[Package, ...] = (
    Package(
        "paramiko",
        "5.1.0",
        needs=("bcrypt", "cryptography", "pynacl", "invoke", "icecream", "pytest-relaxed"),
        patching={
            "tests.test_config.TestHostnameCanonicalization": _NAME_OF_THE_MODULE,
            "tests.test_config.TestMatchHost::test_matches_canonicalized": _NAME_OF_THE_MODULE,
            "tests.test_config.TestMatchHost::test_works_with_canonical": _NAME_OF_THE_MODULE,
            "tests.test_config.TestMatchOriginalHost::test_matches_target": _NAME_OF_THE_MODULE,
        },
    ),
    Package(
        "tornado",
        "6.6.1",
        tests=("-o", "python_files=*_test.py", "tornado/test"),
        conftest="import logging\n\nlogging.getLogger('tornado.access').setLevel('CRITICAL')\n",
    ),
    Package(
        "urllib3",
        "2.8.0",
        needs=(
            "anyio[trio]", "cryptography", "h2", "httpx", "hypercorn", "idna", "pyopenssl",
            "pysocks", "pytest-socket", "quart", "quart-trio", "trio", "trustme",
        ),
        tests=(
            "-m", "not requires_network",
            "-k", "not http2_probe_blocked_per_thread",  # of a host elsewhere that never answers
            "test",
        ),
        modules="src",
        beside=("dummyserver",),
    ),
    Package(
        "redis",
        "8.1.0",
        needs=(
            "PyJWT", "aiohttp", "cryptography", "numpy", "opentelemetry-api", "opentelemetry-sdk",
            "pybreaker", "pyopenssl", "pytest-asyncio", "requests", "xxhash",
        ),
        tests=(
            "-m", "not (onlycluster or redismod or ssl or replica or cp_integration"
            " or multidb_integration)",
            "--ignore-glob=*test_scenario*", "--ignore-glob=*cluster*",
            "--ignore-glob=*test_sentinel*", "--ignore-glob=*test_credentials.py", "tests",
        ),
        server=("redis-server", "--save", "", "--enable-debug-command", "yes"),
        port=6379,
        stores=(
            (
                "redis-server", "--save", "", "--protected-mode", "no", "--port", "5000",
                "--tls-port", "5001", "--tls-cert-file", "{pem}", "--tls-key-file", "{pem}",
                "--tls-ca-cert-file", "{pem}", "--tls-auth-clients", "no",
            ),
        ),
    ),
    Package(
        "asyncssh",
        "2.24.1",
        needs=("aiofiles", "bcrypt", "cryptography", "fido2", "ifaddr", "pyopenssl"),
        tests=("tests",),
        patching={
            "tests.test_x11._TestX11::test_attach_failure": "`bind` of the class `socket.socket`,"
            " while asyncio's loops make sockets of ours, which have one of their own",
        },
    ),
    Package(
        "gunicorn",
        "27.0.1",
        needs=("h2", "httpx[http2]", "inotify", "pytest-asyncio", "uvloop"),
        tests=("--ignore=tests/docker", "tests"),
    ),
    Package(
        "pymemcache",
        "4.0.0",
        needs=("Faker", "pytest-cov", "zstd"),
        tests=("-m", "unit", "pymemcache/test"),
        stores=(
            ("memcached", "-u", "root", "-p", "5000", "-U", "0"),
            (
                "memcached", "-u", "root", "-p", "5001", "-U", "0", "-Z",
                "-o", "ssl_chain_cert={pem},ssl_key={pem}",
            ),
        ),
    ),
)  # fmt: skip
