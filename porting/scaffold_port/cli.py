"""The command `scaffold-port`."""

import click

from . import __version__
from .commands.analyze import analyze
from .commands.audit import audit
from .commands.build import build
from .commands.fetch import fetch
from .commands.new import new
from .commands.rewrite import rewrite
from .commands.status import refresh, status
from .commands.table import table
from .commands.verify import verify


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Completion in bash (in zsh and fish: zsh_source, fish_source):
  eval "$(_SCAFFOLD_PORT_COMPLETE=bash_source scaffold-port)"

Colours are for terminals, and for none where NO_COLOR is set.""",
)
@click.version_option(__version__, prog_name="scaffold-port")
def main() -> None:
    """Analyse, rewrite and track ports of existing programs to services."""


main.add_command(analyze)
main.add_command(audit)
main.add_command(build)
main.add_command(fetch)
main.add_command(new)
main.add_command(refresh)
main.add_command(rewrite)
main.add_command(status)
main.add_command(table)
main.add_command(verify)
