"""The command `scaffold-port`."""

import click

from . import __version__
from .commands.analyze import analyze
from .commands.audit import audit
from .commands.build import build, verify
from .commands.fetch import fetch
from .commands.rewrite import rewrite


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="scaffold-port")
def main() -> None:
    """Analyse, rewrite and track ports of existing programs to services."""


main.add_command(analyze)
main.add_command(audit)
main.add_command(build)
main.add_command(fetch)
main.add_command(rewrite)
main.add_command(verify)
