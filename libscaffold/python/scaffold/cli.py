"""The `scaffold` command's subcommands and their options."""

import functools
import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from . import __version__, daemon, launch, paths
from .control import Control, answers
from .errors import NoDaemon, NotAllowed, ServiceError
from .run import (
    Request,
    become,
    check_serving,
    fail,
    fail_to_start,
    named_dir,
    prepare,
    runtime_dir_of,
    say,
)


class Place(click.Path):
    """A path; an empty one would be the current directory's."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """As click does, but for the empty one."""
        if value == "":
            self.fail("it is empty; give a path, or leave it out", param, ctx)
        return super().convert(value, param, ctx)


PLACE = Place(path_type=Path)

RUNTIME_DIR = click.option(
    "--runtime-dir",
    type=PLACE,
    envvar="SCAFFOLD_RUNTIME_DIR",
    help="Where scaffoldd's control socket is.  [default: the user's own]",
)


class Group(click.Group):
    """Failures are one line on stderr and exit code 1, or 2 for wrong usage, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except ServiceError as error:
            ctx.exit(fail(error))


def command(
    example: str, group: click.Group | None = None, **settings: Any
) -> Callable[[Callable[..., Any]], click.Command]:
    """A subcommand whose help ends with an example."""
    epilog = "\b\nExample:\n" + "\n".join(f"  {line}" for line in example.splitlines())
    return (group or main).command(epilog=epilog, **settings)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scaffold")
def main() -> None:
    """Bind to a service, connect to a service, with the programs you have."""


def _said(context: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """An option's value, or the first line of standard input where it is "-"."""
    del context, param
    return sys.stdin.readline().strip() if value == "-" else value


def daemon_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `scaffold up`, gathered into daemon.Options."""

    @click.option("--name", help="This host's name.  [default: the machine's]")
    @click.option("--router", metavar="HOST[:PORT]", help="Service router to join.")
    @click.option(
        "--join",
        metavar="TOKEN|@FILE|-",
        callback=_said,
        help="What `scaffold join-token` printed at the router, or where to read that; once.",
    )
    @click.option("--port", type=click.IntRange(0, 65535), help="UDP port.  [default: 7213]")
    @click.option("--listen", metavar="ADDRESS", help="Underlay address to listen on.")
    @click.option("--insecure-network", is_flag=True, help="Leave the loopback interface.")
    @click.option("--config", type=PLACE, help="TOML configuration of scaffoldd.")
    @click.option("--state-dir", type=PLACE, help="Where state is kept.")
    @click.option("--log", metavar="LEVEL", help="error, warn, info or debug.")
    @click.option(
        "--log-file",
        type=PLACE,
        help="Where the log is appended.  [default: scaffoldd.log in the runtime directory]",
    )
    @functools.wraps(function)
    def gathered(**values: Any) -> Any:
        rest = {key: values.pop(key) for key in ("runtime_dir",)}
        return function(options=daemon.Options(**values), **rest)

    return gathered


@command("scaffold up --name b --router 10.0.0.1 --join sc1-... --insecure-network")
@RUNTIME_DIR
@daemon_options
def up(runtime_dir: Path | None, options: daemon.Options) -> None:
    """Start scaffoldd in the background; returns once it answers."""
    folder = named_dir(runtime_dir) if runtime_dir else _own_dir()
    pid = answers(folder)
    if pid is not None and options.given():
        raise ServiceError(98, f"scaffoldd (pid {pid}) runs at {folder}; `scaffold down` stops it")
    if pid is not None:
        click.echo(f"scaffoldd (pid {pid}) already answers at {folder}")
        return
    process = daemon.start(folder, options)
    process.returncode = 0  # it outlives this command
    click.echo(f"scaffoldd (pid {process.pid}) answers at {folder}")
    if folder not in paths.own_runtime_dirs():  # where nothing would look for it
        click.echo(f"programs find it with SCAFFOLD_RUNTIME_DIR={shlex.quote(str(folder))}")


def _own_dir() -> Path:
    """Where a scaffoldd of this user answers; else where one is to be started."""
    places = paths.own_runtime_dirs()
    for folder in places:
        with suppress(NotAllowed):  # somebody else's, in a folder with our name
            if answers(folder) is not None:
                return folder
    return places[0]


def _running_dir_of(value: Path | None) -> Path:
    """Where the scaffoldd is that a command has questions for."""
    folder = named_dir(value) if value else paths.running_dir()
    if folder is None:
        raise NoDaemon(100, f"no scaffoldd answers in {paths.searched()}; `scaffold up` starts one")
    return folder


@command("scaffold down")
@RUNTIME_DIR
def down(runtime_dir: Path | None) -> None:
    """Stop scaffoldd and wait for its end; open flows get an error."""
    with Control(_running_dir_of(runtime_dir)) as control:
        control.stop()
        click.echo(f"scaffoldd (pid {control.pid}) has stopped")


_UNITS = {"m": 60, "h": 3600, "d": 86400}


class Span(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """A time: a number and m, h or d; in seconds."""

    name = "time"

    def convert(self, value: Any, param: Any, context: Any) -> int:
        """Seconds, of text; whatever else was given is returned."""
        if isinstance(value, int):
            return value
        number, unit = value[:-1], value[-1:]
        if unit not in _UNITS or not number.isdecimal() or not 0 < int(number) < 10000:
            self.fail(f"{value}: give a number and m, h or d, for example 24h", param, context)
        return int(number) * _UNITS[unit]


@command("scaffold join-token\nscaffold join-token --uses 3 --expires 2h")
@click.option(
    "--uses", type=click.IntRange(1, 10000), default=1, show_default=True, help="Hosts it lets in."
)
@click.option("--expires", type=Span(), default="24h", show_default=True, help="60m, 24h, 7d ...")
@click.option("--json", "as_json", is_flag=True, help='{"token", "uses", "expires_s"}')
@RUNTIME_DIR
def join_token(runtime_dir: Path | None, uses: int, expires: int, as_json: bool) -> None:
    """Let hosts join the network of this router: prints a token for their `scaffold up --join`.

    It is a secret until it has been used up, is over, or the router was restarted. A host that has
    joined needs none again.
    """
    with Control(_running_dir_of(runtime_dir)) as control:
        token = control.invite(uses, expires)
    if as_json:
        click.echo(json.dumps({"token": token, "uses": uses, "expires_s": expires}))
    else:
        click.echo(token)


@main.group()
def host() -> None:
    """Hosts of this router's network: who has joined, and who is let go."""


def host_command(example: str, **settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A subcommand of `scaffold host`."""
    return host.command(epilog=f"\b\nExample:\n  {example}", **settings)


@host_command("scaffold host list --json", name="list")
@click.option("--json", "as_json", is_flag=True, help="The `hosts` of `scaffold status --json`.")
@RUNTIME_DIR
def host_list(runtime_dir: Path | None, as_json: bool) -> None:
    """Hosts with their keys, as far as this host knows them: a router knows all."""
    with Control(_running_dir_of(runtime_dir)) as control:
        hosts = control.status()["hosts"]
    if as_json:
        click.echo(json.dumps(hosts))
        return
    for each in hosts:
        state = "up" if each["up"] else "down"
        click.echo(f"{each['name']:24} {state:5} {each['underlay']:24} {each.get('key', '-')}")


@host_command("scaffold host remove web3", name="remove")
@RUNTIME_DIR
@click.argument("name")
def host_remove(runtime_dir: Path | None, name: str) -> None:
    """Let a host go, at the router: its services are gone, and its key does not let it join any
    more. Its name is free for whoever has a token.
    """
    with Control(_running_dir_of(runtime_dir)) as control:
        control.forget_host(name)
    click.echo(f"{name} does not belong to this network any more")


@command("scaffold status\nscaffold status nginx\nscaffold status --json | jq .flows")
@click.option("--json", "as_json", is_flag=True, help="As docs/schemas/status.schema.json says.")
@click.option("--all", "every", is_flag=True, help="All rows, not the first 50 of each table.")
@RUNTIME_DIR
@click.argument("name", required=False)
def status(runtime_dir: Path | None, as_json: bool, every: bool, name: str | None) -> None:
    """Hosts, services with their instances, and flows.

    With NAME: those with this text in the name of their service, host or program.
    """
    from . import status as statuses

    with Control(_running_dir_of(runtime_dir)) as control:
        document = control.status()
    if name:
        document = statuses.select(document, name)
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    lines = statuses.lines(document, None if every else statuses.SHOWN)
    click.echo("\n".join(click.style(t, bold=True) if head else t for t, head in lines))


@main.group()
def key() -> None:
    """Keys of this host and of providers: what aliases stand for, and who may serve which names."""


@command("scaffold key list --json", key, name="list")
@click.option("--json", "as_json", is_flag=True, help="As `providers` of scaffold status --json.")
@RUNTIME_DIR
def key_list(runtime_dir: Path | None, as_json: bool) -> None:
    """The aliases that this host knows, by which key, and since when."""
    with Control(_running_dir_of(runtime_dir)) as control:
        providers = control.status()["providers"]
    if as_json:
        click.echo(json.dumps(providers, indent=2))
        return
    import time

    for one in providers:
        since = time.strftime("%Y-%m-%d", time.localtime(one["since"]))
        click.echo(f"{one['alias']}  {one['key']}  {one['how']} {since}")


@command("scaffold key trust demo 4d4f... --replace", key, name="trust")
@click.option("--replace", is_flag=True, help="Also where another key is known.")
@RUNTIME_DIR
@click.argument("alias")
@click.argument("public_key", metavar="KEY")
def key_trust(runtime_dir: Path | None, replace: bool, alias: str, public_key: str) -> None:
    """Say which key ALIAS stands for: on this host; at a router, for all of its network."""
    from . import keys

    with Control(_running_dir_of(runtime_dir)) as control:
        control.trust(alias, keys.key_of(public_key), replace)


@command("scaffold key show\nscaffold key show --json", key, name="show")
@click.option("--json", "as_json", is_flag=True, help='{"host", "key", "grants"}')
@RUNTIME_DIR
def key_show(runtime_dir: Path | None, as_json: bool) -> None:
    """This host's key, by which others grant it names, and the grants that it has."""
    import time

    from . import keys

    with Control(_running_dir_of(runtime_dir)) as control:
        document = control.status()
    own, grants = document["hosts"][0], document["grants"]
    if as_json:
        shown = {"host": own["name"], "key": own.get("key"), "grants": grants}
        click.echo(json.dumps(shown, indent=2))
        return
    click.echo(f"host {own['name']}  {own.get('key', 'none: security is off')}")
    for one in grants:
        until = time.strftime("%Y-%m-%d", time.localtime(one["until"]))
        ports = keys.ports_text(one["first_port"], one["last_port"], one["protocol"])
        name = f"{one['pattern']}.{one['provider']}.scaffold"
        click.echo(f"{name}  ports {ports}  {one['how']}  {one['state']} until {until}")


@command("scaffold key new-provider", key, name="new-provider")
@RUNTIME_DIR
def key_new_provider(runtime_dir: Path | None) -> None:
    """Make the key of a provider, whose names certify themselves: prints what stands in them.

    This host serves them from now on, and grants them to others. The key is a file beside this
    host's own, `keys/provider-HASH.key` in the state directory: keep a copy of it.
    """
    with Control(_running_dir_of(runtime_dir)) as control:
        click.echo(control.new_provider())


@command(
    "scaffold key grant web.c2f5....scaffold HOSTKEY\n"
    "scaffold key grant '*.c2f5....scaffold' HOSTKEY --days 30 --ports 8000-8080/tcp",
    key,
    name="grant",
)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True)
@click.option("--ports", default="any", show_default=True, help="80, 8000-8080/tcp, any/udp ...")
@RUNTIME_DIR
@click.argument("name")
@click.argument("host_key", metavar="HOSTKEY")
def key_grant(runtime_dir: Path | None, days: int, ports: str, name: str, host_key: str) -> None:
    """Let another host serve NAME, where this one has the key of NAME's provider.

    NAME is LABEL.PROVIDER.scaffold, or has *, or *.SUFFIX, for the label. HOSTKEY is what `scaffold
    key show` prints there. What is printed is for `scaffold key install` there, and no secret.
    """
    from . import keys

    key_bytes, three = keys.key_of(host_key), keys.ports_of(ports)
    with Control(_running_dir_of(runtime_dir)) as control:
        click.echo(keys.text_of(control.grant(name, key_bytes, three, days)))


@command("scaffold key install scg1-...\nscaffold key install - < grant", key, name="install")
@RUNTIME_DIR
@click.argument("grant")
def key_install(runtime_dir: Path | None, grant: str) -> None:
    """Take a GRANT that was made for this host; - reads it from standard input."""
    import sys

    from . import keys

    given = keys.grant_of(sys.stdin.read(4096) if grant == "-" else grant)
    with Control(_running_dir_of(runtime_dir)) as control:
        control.install(given)


def shim_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say what a program under the shim serves."""
    for option in (
        click.option(
            "--service", metavar="NAME", help="What the program's listening sockets serve."
        ),
        click.option(
            "--publish",
            metavar="PORT:PROGRAM_PORT",
            multiple=True,
            help="Service port and the program's own.",
        ),
        click.option("--all-local", is_flag=True, help="Loopback sockets become services too."),
        RUNTIME_DIR,
    ):
        function = option(function)
    return function


@command(
    "scaffold run --service web.acme.scaffold --publish 80:8000 -- python3 -m http.server\n"
    "scaffold run -- wget http://web.acme.scaffold/",
    context_settings={"allow_interspersed_args": False},
)
@shim_options
@click.option(
    "--trap/--no-trap",
    default=None,
    help="Have the kernel hand over its socket calls.  [default: for static, musl and Go programs]",
)
@click.option(
    "--explain", "explained", is_flag=True, help="Say at exit what became of each socket."
)
@click.option(
    "--json", "as_json", is_flag=True, help="--explain as docs/schemas/explain.schema.json says."
)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] CMD...")
def run(
    words: tuple[str, ...],
    trap: bool | None,
    service: str | None,
    publish: tuple[str, ...],
    all_local: bool,
    explained: bool,
    as_json: bool,
    runtime_dir: Path | None,
) -> None:
    """Run an unmodified program on services.

    Starts the user's own scaffoldd when none answers; that one exits a minute after its last
    socket.
    """
    if as_json and not explained:
        raise click.UsageError("--json belongs to --explain")
    if explained and trap:
        raise click.UsageError("--explain asks the preload library, which --trap goes without")
    request = Request(words, service, publish, all_local, trap, runtime_dir, explained)
    command, environment = prepare(request)
    if explained:
        _explained(command, environment, as_json)
    become(command, environment)


def _explained(command: list[str], environment: dict[str, str], as_json: bool) -> None:
    from . import explain, show

    try:
        exit_status, sockets = explain.run(command, environment)
    except OSError as error:
        fail_to_start(command[0], error)
    if as_json:
        click.echo(json.dumps(explain.document(sockets)), err=True)
    else:
        show.sockets(sockets, explain.summary(sockets))
    sys.exit(explain.end_like(exit_status))


@command('eval "$(scaffold env)" && wget http://web.acme.scaffold/')
@shim_options
def env(
    service: str | None, publish: tuple[str, ...], all_local: bool, runtime_dir: Path | None
) -> None:
    """Print the environment that `scaffold run` uses, for a shell to evaluate."""
    check_serving(Request((), service, publish, all_local))
    values = launch.environment(
        runtime_dir_of(runtime_dir), service=service, publish=publish, all_local=all_local
    )
    for key, value in sorted(values.items()):
        if key == "LD_PRELOAD" or key.startswith("SCAFFOLD_"):
            click.echo(f"export {key}={shlex.quote(value)}")


@command("scaffold doctor\nscaffold doctor --trap\nscaffold doctor --json connect abort.send")
@click.option(
    "--plane",
    type=click.Choice(["user", "local"]),
    help="Compare flows of this plane, with a scaffoldd of its own.",
)
@click.option("--json", "as_json", is_flag=True, help="As docs/schemas/doctor.schema.json says.")
@click.option("--all", "every", is_flag=True, help="List the checks that are the same, too.")
@click.option("--trap", is_flag=True, help="Compare `scaffold run --trap` instead of the shim.")
@RUNTIME_DIR
@click.argument("patterns", nargs=-1, metavar="[CHECK]...")
def doctor(
    patterns: tuple[str, ...],
    plane: str | None,
    as_json: bool,
    every: bool,
    trap: bool,
    runtime_dir: Path | None,
) -> None:
    """Compare sockets under the shim with the kernel's, and look at the machine.

    CHECK is a subject (connect), the front of a name (connect.refused) or a pattern with
    wildcards. Exit code 1 when an answer differs and is not documented.
    """
    from . import doctor as doctors
    from . import show

    names = doctors.chosen(patterns)
    with _examined(plane, runtime_dir) as folder:
        if not as_json:
            show.facts(doctors.facts(folder))
        results = doctors.examine(folder, names, plane=_plane_of(folder), trap=trap)
    if as_json:
        click.echo(json.dumps(doctors.document(results), indent=2))
    else:
        show.checks(results, every)
    sys.exit(any(result.verdict == "different" for result in results))


@contextmanager
def _examined(plane: str | None, runtime_dir: Path | None) -> Iterator[Path]:
    """The runtime directory of the scaffoldd that is examined: the user's, or one of its own."""
    if plane is None:
        folder = runtime_dir_of(runtime_dir)
        started = daemon.ensure(folder)
        if started is not None:
            say(f"started scaffoldd (pid {started}) at {folder}")
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="scaffold-doctor-") as made:
        folder = Path(made) / "run"
        options = daemon.Options(port=0, state_dir=Path(made) / "state", plane=plane)
        with daemon.start(folder, options) as process:
            try:
                yield folder
            finally:
                process.terminate()


def _plane_of(folder: Path) -> str:
    """By which the flows of --all-local go there."""
    with Control(folder) as control:
        return "local" if control.status().get("plane") == "local" else "user"


@main.group()
def bench() -> None:
    """Measure SCAFFOLD beside the kernel's TCP and UDP; figures, no verdicts."""


_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_ANY = [
    click.option("--json", "as_json", is_flag=True, help="As docs/schemas/bench.schema.json says."),
    click.option(
        "--max-load",
        "most_load",
        type=float,
        metavar="LOAD",
        help="Wait until the machine is less busy than that, and refuse a run if it stays so.",
    ),
]
_HOSTS = [
    click.option(
        "--hosts",
        "kind",
        type=click.Choice(["namespaces", "loopback"]),
        help="Where the hosts are.  [default: namespaces as root]",
    ),
    click.option(
        "--congestion",
        default="cubic",
        show_default=True,
        metavar="NAME",
        help="Congestion control of TCP and of scaffoldd.",
    ),
    click.option("--pin", is_flag=True, help="Everything on one CPU: compares work alone."),
    click.option(
        "--stack",
        "stacks",
        type=click.Choice(["tcp", "udp", "user", "local", "base"]),
        multiple=True,
        help="Only this one of those compared.",
    ),
]
_LINK = [
    click.option("--shape", "rate", metavar="RATE", help="Shape the link, as tc writes it: 1gbit."),
    click.option("--mtu", type=int, help="MTU of the veth pair, bytes.  [default: 1500]"),
]
_BASE = [
    click.option(
        "--base",
        type=PLACE,
        metavar="DIR",
        help="A build tree of SCAFFOLD that is measured as well, as the stack base.",
    )
]
_IDLE = [
    click.option(
        "--flows", "idle_flows", default=10_000, show_default=True, help="How many do nothing."
    )
]


def _bench_command(
    name: str,
    text: str,
    more: Sequence[_Decorator] = (*_HOSTS, *_LINK, *_BASE),
    example: str = "--json",
    seconds: float = 3.0,
) -> None:
    @bench.command(name, help=text, epilog=f"\b\nExample:\n  scaffold bench {name} {example}")
    @click.option("--seconds", default=seconds, show_default=True, help="Length of one run.")
    @click.option("--runs", default=5, show_default=True, help="Runs of each stack, in turn.")
    def measure(as_json: bool, **asked: Any) -> None:
        from . import bench as benches
        from .bench import drawing

        plan = benches.Plan(**asked)
        benches.check(plan)
        plan.on_run = progress = drawing.Progress()
        try:
            document = benches.measure(name, plan)
        finally:
            progress.end()
        if as_json:
            click.echo(json.dumps(document, indent=2))
        else:
            drawing.draw(document)

    for option in (*more, *_ANY):
        option(measure)


_bench_command("all", "All of the following, in under five minutes.", seconds=0.5)
_bench_command("throughput", "Mbit/s of one flow.", example="--shape 1gbit --runs 10")
_bench_command("latency", "Microseconds of a one-byte round trip.", example="--pin")
_bench_command("opens", "Flows per second: open, a byte there and back, reset.", example="--pin")
_bench_command("requests", "Requests per second on 64 flows, of 64 B and of 1 KiB.")
_bench_command("parallel", "Mbit/s of 1, 8 and 64 flows, and how evenly they share it.")
_bench_command("datagrams", "Datagrams there and back per second, beside UDP.")
_bench_command("same-host", "Round trip, bulk and opens between programs of one host.", _HOSTS)
_bench_command(
    "idle", "What idle flows take of memory, and of the pace of busy ones.", (*_HOSTS, *_IDLE)
)
_bench_command("programs", "nginx under wrk, and redis, as far as they are installed.")
_bench_command(
    "overhead", "What the shim costs a program that touches no service: plain TCP.", more=()
)


if __name__ == "__main__":
    main()
