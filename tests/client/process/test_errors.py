"""Every error of the C API and of the Python package says what failed, where, and what to do.

The same happens to a program in C (errors.c), and to one in Python where that has a name for it.
"""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import scaffold
from e2e.common import within
from scaffold import ServiceError, paths
from scaffold.lab import Host, Lab
from shim.test_without_scaffoldd import another_version

pytestmark = [pytest.mark.hosts]

HERE = Path(__file__).parent
WEB = "web.acme.scaffold:80"
FORM = "a service is written label.provider.scaffold[:port[/proto]]"
NOBODY = 65534

CALLS = """
import json, socket, sys
import scaffold, scaffold.inet

def background(text):
    s = scaffold.socket()
    s.settimeout(1)
    s.connect(text)

def serve(text):
    held.append(scaffold.create_server(text))

def bind_datagram(text):
    held.append(scaffold.socket(type=socket.SOCK_DGRAM))
    held[-1].bind(text)

held = []
calls = {
    "connect": scaffold.create_connection, "background": background, "serve": serve,
    "bind-datagram": bind_datagram, "resolve": lambda name: scaffold.inet.getaddrinfo(name, 80),
}
for call, text in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        calls[call](text)
        print(json.dumps(["ok", 0, ""]))
    except OSError as error:
        print(json.dumps([type(error).__name__, error.errno, error.strerror]))
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("errors") / "errors"
    library = paths.part("libscaffold.so")
    include = HERE.parents[2] / "libscaffold/include"
    subprocess.run(
        [
            *["gcc", "-Wall", "-Werror", "-D_GNU_SOURCE", "-I", include, HERE / "errors.c"],
            *["-o", built, library, f"-Wl,-rpath,{library.parent}"],
        ],
        check=True,
        timeout=60,
    )
    return built


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        yield lab["a"]


def in_c(host: Host, program: Path, *calls: str, **options: Any) -> list[str]:
    """A line for each pair of a call and its argument."""
    done = host.run([program, *calls], shim=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def in_python(host: Host, *calls: str, **options: Any) -> list[tuple[str, int, str]]:
    """The class of each exception, its errno and its line."""
    done = host.run([sys.executable, "-c", CALLS, *calls], shim=False, **options)
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def both(host: Host, program: Path, code: str, kind: str, line: str, *calls: str) -> None:
    """Each call fails so, in both languages; in Python with its subject in front."""
    for text in in_c(host, program, *calls):
        assert text == f"{code}: {line}"
    for name, _, said in in_python(host, *calls):
        assert (name, said) == (kind, f"{calls[1]}: {line}")


# --- nobody, or somebody else, answers ------------------------------------------------------------


def test_no_scaffoldd(program: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        line = (
            f"no scaffoldd answers in {lab['a'].runtime_dir}; start one with `scaffold up`, "
            "or the program with `scaffold run`"
        )
        calls = ("parse", "connect", "background", "serve", "bind-datagram")
        words = [word for call in calls for word in (call, WEB)]
        assert in_c(lab["a"], program, *words) == [f"ENETDOWN: {line}"] * len(calls)
        for kind, _, text in in_python(lab["a"], *words[2:]):
            assert kind == "NoDaemon"
            assert text.endswith(line)
            assert text.startswith("web.acme.scaffold:80")
        name = WEB.partition(":")[0]
        assert in_c(lab["a"], program, "resolve", name) == [f"EAI {socket.EAI_AGAIN}: {line}"]
        [(kind, code, text)] = in_python(lab["a"], "resolve", name)
        assert (kind, code, text) == ("gaierror", socket.EAI_AGAIN, f"{name}: {line}")


def test_another_release(program: Path) -> None:
    with Lab(["a"], kind="loopback") as lab:
        lab["a"].runtime_dir.mkdir(parents=True)
        with another_version(lab["a"].runtime_dir, 99):
            [line] = in_c(lab["a"], program, "connect", WEB)
            [(kind, _, text)] = in_python(lab["a"], "connect", WEB)
    assert re.fullmatch(
        r"ENETDOWN: scaffoldd in .* speaks version 99 of .*install the same.*", line
    )
    assert kind == "NoDaemon"
    assert line.partition(": ")[2] in text


@pytest.mark.usefixtures("root_only")
def test_another_network_namespace(host: Host, program: Path) -> None:
    line = "scaffoldd serves another network namespace than this program's"
    host.prefix = ("unshare", "--net")
    try:
        said = in_c(host, program, "connect", WEB, "serve", WEB)
        assert [text.partition(";")[0] for text in said] == [f"EXDEV: {line}"] * 2
        [(_, _, text)] = in_python(host, "connect", WEB)
        assert line in text
        code = "import socket; socket.create_connection(('198.18.0.9', 80))"
        done = host.run([sys.executable, "-c", code])
        assert f"scaffold: {line}" in done.stderr.splitlines()[0]
    finally:
        host.prefix = ()


# --- names ----------------------------------------------------------------------------------------

BAD = [
    ("a.b", "a service's name ends in .scaffold"),
    ("-x.acme.scaffold", "a part of the name starts or ends with a hyphen"),
    ("x..acme.scaffold", "a part of the name is empty"),
    ("x y.acme.scaffold", "a name has letters, digits, hyphens and dots only"),
    ("acme.scaffold", "the provider is missing before .scaffold"),
    (f"{'x' * 64}.acme.scaffold", "a part of the name is longer than 63 characters"),
    (f"{'x.' * 130}acme.scaffold", "the name is longer than 253 characters"),
    ("web.acme.scaffold:99999", "the port is a number from 1 to 65535"),
    ("web.acme.scaffold:0", "the port is a number from 1 to 65535"),
    ("web.acme.scaffold:", "the port is a number from 1 to 65535"),
    ("web.acme.scaffold:8x", "the port is a number from 1 to 65535"),
    ("web.acme.scaffold:80/sctp", "the protocol is tcp or udp"),
    ("web.acme.scaffold:80/", "the protocol is tcp or udp"),
]


@pytest.mark.parametrize(("name", "why"), BAD)
def test_names(host: Host, program: Path, name: str, why: str) -> None:
    """In the same words, whether scaffoldd, the library or Python finds it out."""
    for line in in_c(host, program, "parse", name, "connect", name, "serve", name):
        assert line.startswith("EINVAL: ")
        assert line.endswith(f": {why}; {FORM}") or line == f"EINVAL: {why}"
    for kind, _, text in in_python(host, "connect", name, "serve", name):
        assert kind == "InvalidName"
        assert text == f"{name!r}: {why}; {FORM}"


def test_names_that_getaddrinfo_is_given(host: Host, program: Path) -> None:
    [line] = in_c(host, program, "resolve", "x_y.acme.scaffold")
    assert line.startswith(f"EAI {socket.EAI_NONAME}: x_y.acme.scaffold: a name has letters")
    [(kind, code, text)] = in_python(host, "resolve", "x_y.acme.scaffold")
    assert (kind, code) == ("gaierror", socket.EAI_NONAME)
    assert "x_y.acme.scaffold: a name has letters" in text


# --- the way there --------------------------------------------------------------------------------

REFUSED = (
    "no instance serves it at this port, or every one refused; `scaffold status` on the service "
    "router lists what is served"
)
NO_ROUTER = "the service router does not answer; is it running where --router says?"
SILENT = "its instances do not answer; are their hosts up, and does UDP reach them?"


def test_nobody_serves_it(host: Host, program: Path) -> None:
    calls = ("connect", WEB, "background", WEB)
    both(host, program, "ECONNREFUSED", "NoInstance", REFUSED, *calls)


def test_what_failed_before_is_not_said_again(host: Host, program: Path) -> None:
    lines = in_c(host, program, "connect", WEB, "plain", "", "background", WEB, "plain", "")
    assert (
        lines
        == [
            f"ECONNREFUSED: {REFUSED}",
            "ECONNREFUSED: Connection refused",
        ]
        * 2
    )


def test_a_router_that_was_never_there(program: Path) -> None:
    """scaffoldd runs: it is not the one to be started."""
    with Lab(["a"], kind="loopback") as lab:
        lab["a"].scaffoldd(router="127.0.0.1:9", join="sc1-" + 52 * "a")
        both(lab["a"], program, "ENETUNREACH", "NoRoute", NO_ROUTER, "connect", WEB, "serve", WEB)
        [line] = in_c(lab["a"], program, "resolve", "web.acme.scaffold")
        assert line == f"EAI {socket.EAI_AGAIN}: {NO_ROUTER}"


def test_a_router_that_went_away(loopback_lab: Lab, program: Path) -> None:
    """For a name that is known: the flow cannot be opened."""
    a = loopback_lab["a"]
    assert in_c(a, program, "parse", WEB) == ["ok"]
    loopback_lab["b"].kill_scaffoldd()
    within(30, lambda: not a.status()["router_answers"])
    calls = ("connect", WEB, "background", WEB)
    both(a, program, "ENETUNREACH", "NoRoute", NO_ROUTER, *calls)


def test_an_instance_that_is_silent(program: Path) -> None:
    with Lab(["a", "b"], router="a", kind="loopback") as lab:
        lab.start()
        listener = lab["b"].popen([sys.executable, "-m", "http.server", "80"], service=WEB)
        lab.await_service(WEB, process=listener)
        silent(lab["a"], lab["b"], program)


def silent(a: Host, b: Host, program: Path) -> None:
    """The service router knows it, and answers."""
    assert in_c(a, program, "connect", WEB) == ["ok"]
    b.unreachable()
    assert in_c(a, program, "background", WEB) == [f"ETIMEDOUT: {SILENT}"]
    [(kind, _, text)] = in_python(a, "background", WEB)
    assert (kind, text) == (
        "ServiceTimeout",
        f"{WEB}: no instance answered within 1 s: timed out",
    )


# --- what is not allowed, or not to be had --------------------------------------------------------


@pytest.mark.usefixtures("root_only")
def test_who_may_not_serve(host: Host, program: Path) -> None:
    line = f"uid {NOBODY} may not serve here; add the user or a group of it to [allow] of scaffoldd"
    reach = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    reach += [f"--{kind}-caps=+dac_override,+dac_read_search" for kind in ("inh", "ambient")]
    host.prefix = tuple(reach)
    try:
        said = in_c(host, program, "bind", WEB, "serve", WEB, "bind-datagram", WEB)
        assert said == [f"EACCES: {line}"] * 3
        for kind, _, text in in_python(host, "serve", WEB, "bind-datagram", WEB):
            assert (kind, text) == ("NotAllowed", f"{WEB}: {line}")
        # A program that knows nothing of services says "Permission denied".
        words = [sys.executable, "-m", "http.server", "80"]
        done = host.run(words, service="web.acme.scaffold")
        assert "PermissionError" in done.stderr
        assert f"scaffold: {line}" in done.stderr.splitlines()
    finally:
        host.prefix = ()


def test_who_insists_on_verified_names(tmp_path: Path, program: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("require_verified = true\n")
    with Lab(["r", "a"], router="r", kind="loopback") as lab:
        lab["r"].scaffoldd()
        lab["a"].scaffoldd(config=config)
        [line] = in_c(lab["a"], program, "connect", WEB)
        assert line.startswith("EACCES: require_verified is set")
        assert "scaffold key trust acme " in line


def test_taken(host: Host, program: Path) -> None:
    line = (
        "another socket of this host is bound to the service; SO_REUSEPORT on both lets them "
        "share it"
    )
    assert in_c(host, program, "bind", WEB, "bind", WEB) == ["ok", f"EADDRINUSE: {line}"]
    ok, taken = in_python(host, "serve", WEB, "serve", WEB)
    assert (ok[0], taken) == ("ok", ("OSError", 98, f"{WEB}: {line}"))


def test_no_name_is_left(tmp_path: Path, program: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('pool = "198.18.0.0/30"\n')
    with Lab(["a"], kind="loopback") as lab:
        lab["a"].scaffoldd(config=config)
        words = [word for i in range(4) for word in ("parse", f"s{i}.acme.scaffold")]
        code, _, text = in_c(lab["a"], program, *words)[-1].partition(": ")
        assert code in ("ENOMEM", "EAGAIN", "ENOBUFS")
        assert re.search("give the router a larger --pool|too many new names|has its share", text)


def test_no_descriptor_is_left(host: Host, program: Path) -> None:
    for call in ("parse", "connect", "serve"):
        [line] = in_c(host, program, "descriptors", "", call, WEB)
        code, _, text = line.partition(": ")
        assert code in ("ENOBUFS", "EMFILE")
        assert text in (
            "no descriptor is left to ask scaffoldd with",
            "no descriptor is left for the service's socket; raise the limit (ulimit -n)",
        )


def test_calls_that_make_no_sense(host: Host, program: Path) -> None:
    calls = ["raw", "", "sctp", "", "format", "10", "format-ip", "", "listen", ""]
    raw, sctp, small, ip, unbound = in_c(host, program, *calls)
    assert raw == "ESOCKTNOSUPPORT: AF_SCAFFOLD has SOCK_STREAM and SOCK_DGRAM"
    assert sctp.startswith("EPROTONOSUPPORT: AF_SCAFFOLD has IPPROTO_TCP for SOCK_STREAM")
    assert small == "ENOSPC: the name does not fit; SCAFFOLD_SERVICE_STRLEN bytes always do"
    assert ip == "EINVAL: the address's family is not AF_SCAFFOLD"
    assert unbound.startswith("EDESTADDRREQ: the socket is bound to no service")


# --- the package ----------------------------------------------------------------------------------


def test_every_exception_was_met() -> None:
    """By its name, in what stands above."""
    text = Path(__file__).read_text()
    for name in scaffold.__all__:
        kind = getattr(scaffold, name)
        if isinstance(kind, type) and issubclass(kind, Exception) and kind is not ServiceError:
            assert f'"{name}"' in text, name
