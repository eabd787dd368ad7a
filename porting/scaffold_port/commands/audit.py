"""`scaffold-port audit`."""

import errno
import json
import shutil
import sys
from pathlib import Path

import click

from scaffold_port.binary import audit as audits
from scaffold_port.binary import show
from scaffold_port.binary.elf import Unreadable

from .formats import formatted

_EXAMPLE = "scaffold-port audit wget /usr/sbin/pdns_server\nscaffold-port audit --json ./server"


@click.command(
    epilog="\b\nExample:\n" + "\n".join(f"  {line}" for line in _EXAMPLE.splitlines()),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@formatted(("text", "json"), "audit")
@click.argument("names", nargs=-1, required=True, metavar="BINARY...")
def audit(names: tuple[str, ...], form: str) -> None:
    """Tell from ELF files whether programs can use services as they are.

    Each BINARY is a path, or a name that is looked up on PATH. No program is run. Exit code 1 when
    one could not be read.
    """
    found = []
    for name in names:
        try:
            found.append(audits.audit(_path_of(name)))
        except Unreadable as error:
            click.echo(f"scaffold-port: {error}", err=True)
    if form == "json":
        click.echo(json.dumps(audits.document(found), indent=2))
    else:
        show.binaries(found)
    sys.exit(len(found) != len(names))


def _path_of(name: str) -> Path:
    if "/" in name:
        return Path(name)
    path = shutil.which(name)
    if path is None:
        raise Unreadable(errno.ENOENT, f"{name}: is not on PATH; give its path")
    return Path(path)
