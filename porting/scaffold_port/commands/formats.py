"""How a command says what it has to say: --format, --json, -o, and colours."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

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


def document(**content: Any) -> None:
    """What programs read, by the first version of its schema."""
    click.echo(json.dumps({"schema": 1, **content}, indent=1))


class Answers:
    """Of a command that is asked for several things: each as soon as it is known, or all of them
    in one document. What could not be done is said on stderr at once, in either form."""

    def __init__(self, form: str, name: str) -> None:
        """`name` is the document's key for them."""
        self.failed = False
        self._form = form
        self._name = name
        self._all: list[dict[str, Any]] = []

    def done(self, lines: Iterable[object], **answer: Any) -> None:
        """Something that was done: what a human reads of it, and what a program does."""
        if self._form == "text":
            for line in lines:
                click.echo(line)
        self._all.append({**answer, "why_not": None})

    def not_done(self, line: str, why: Exception, **answer: Any) -> None:
        """Something that was not; `answer` is what is known nevertheless."""
        click.echo(line, err=True)
        self.failed = True
        self._all.append({**answer, "why_not": str(why)})

    def end(self) -> NoReturn:
        """Exit code 1 if something failed."""
        if self._form == "json":
            document(**{self._name: self._all})
        sys.exit(self.failed)
