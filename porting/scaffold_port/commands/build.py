"""`scaffold-port build` and `scaffold-port verify`."""

import os
import pwd
import sys
from pathlib import Path

import click

from scaffold import scenario
from scaffold.errors import ServiceError
from scaffold.lab import Lab

from ..build import BuildError
from ..build import build as run
from ..fetch.errors import NotAvailable
from ..ported import LEVELS, DoesNotApply
from ..ports import BadPort, Port, read

_FOLDER = click.Path(path_type=Path, file_okay=False)
_ports = click.option(
    "--ports",
    type=_FOLDER,
    default=Path("ported-apps"),
    show_default=True,
    help="Where the ports are.",
)
_into = click.option(
    "--into",
    type=_FOLDER,
    default=Path("build/ports"),
    show_default=True,
    help="Where sources and programs go.",
)


@click.command(
    epilog="""\b
Example:
  scaffold-port build memcached --level relink"""
)
@click.argument("app")
@click.option("--level", type=click.Choice(LEVELS), default="native", show_default=True)
@_ports
@_into
def build(app: str, level: str, ports: Path, into: Path) -> None:
    """Fetch a program, port it and build it; prints the folder of its programs."""
    click.echo(_build(_read(ports, app), level, into))


@click.command(
    epilog="""\b
Exit status: 0 verified; 1 not, with the reason.

\b
Example:
  scaffold-port verify memcached --level native
  scaffold-port verify wget --level shim --full"""
)
@click.argument("app")
@click.option("--level", type=click.Choice(["shim", *LEVELS]), default="native", show_default=True)
@click.option("--full", is_flag=True, help="The long form.")
@_ports
@_into
def verify(app: str, level: str, full: bool, ports: Path, into: Path) -> None:
    """Run a program's scenario between two hosts, by service name."""
    port = _read(ports, app)
    if level != "shim":
        os.environ["SCAFFOLD_PROGRAMS"] = str(_build(port, level, into))
    nobody = pwd.getpwnam("nobody").pw_uid
    try:
        with Lab(["a", "b"], router="b", allow_uids=[nobody]) as lab:
            lab.start()
            result = scenario.load(ports, app).run(lab, level=level, full=full)
    except (scenario.ScenarioError, scenario.MissingProgram, ServiceError) as error:
        click.echo(f"{app}: not verified at level {level}: {error}", err=True)
        sys.exit(1)
    figures = ", ".join(f"{name} {value:,.6g}" for name, value in result.figures.items())
    click.echo(f"{app}: verified at level {level}: {figures}")


def _read(ports: Path, app: str) -> Port:
    try:
        return read(ports, app)
    except BadPort as error:
        raise click.UsageError(str(error)) from error


def _build(port: Port, level: str, into: Path) -> Path:
    folder = into.absolute() / port.app
    try:
        sources = [one.fetch(folder / "source") for one in port.sources]
        return run(port, level, sources, folder / level)
    except (NotAvailable, BuildError, DoesNotApply) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
