"""How a command says what it has to say: --format, --json, -o, and colours."""

import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def formatted(forms: Iterable[str], schema: str) -> Callable[[Command], Command]:
    """--format, and --json for what programs read, by the schema of this name; the command takes
    `form`."""
    said = f"As docs/schemas/{schema}.schema.json says; --format json does it, too."

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_form(form: str, as_json: bool, **rest: Any) -> Any:
            return command(form="json" if as_json else form, **rest)

        short = click.option("--json", "as_json", is_flag=True, help=said)
        long = click.option(
            "--format", "form", type=click.Choice(sorted(forms)), default="text", show_default=True
        )
        return long(short(with_form))  # type: ignore[return-value]

    return decorate


def write(text: str, output: Path | None) -> None:
    """To a file, or to where the command's output goes; colours are for terminals."""
    if output or not _shows_colours():
        text = click.unstyle(text)
    data = text.encode("utf-8", "backslashreplace")
    if output:
        output.write_bytes(data)
    else:
        sys.stdout.buffer.write(data)


def _shows_colours() -> bool:
    """NO_COLOR: no-color.org."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
