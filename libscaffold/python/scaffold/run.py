"""`scaffold run`: a program's way onto services.

A program should start there about as fast as without us, so nothing is imported here that takes
long to load: no click, no rich, nothing that starts processes. tests/python/test_start.py watches.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, NoReturn

from . import control, launch, paths
from .errors import InvalidName, ServiceError, WrongUsage


class Request(NamedTuple):
    """What `scaffold run` was asked for."""

    words: tuple[str, ...]
    """The program and its arguments."""
    service: str | None = None
    publish: tuple[str, ...] = ()
    all_local: bool = False
    trap: bool | None = None
    """None: if the program is one that the preload library does not reach."""
    runtime_dir: Path | None = None
    explained: bool = False
    """Whether the preload library is to say what became of each socket."""


def parse(words: Sequence[str]) -> Request | None:
    """The arguments of `scaffold run` where they are written plainly, one by one.

    None for all that click reads better: help, mistakes, `--option=value`, and what is rare.
    """
    given: dict[str, list[str]] = {"--service": [], "--publish": [], "--runtime-dir": []}
    flags: dict[str, bool | None] = {"--all-local": False, "--trap": None}
    negative = {"--no-trap": "--trap"}
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at : at + 2] == ["--runtime-dir", ""]:
            return None
        if words[at] in flags:
            flags[words[at]] = True
        elif words[at] in negative:
            flags[negative[words[at]]] = False
        elif words[at] in given and at + 1 < len(words):
            at += 1
            given[words[at - 1]].append(words[at])
        elif words[at] == "--":
            at += 1
            break
        else:
            return None
        at += 1
    if at >= len(words):
        return None
    service, folder = (given[name][-1:] for name in ("--service", "--runtime-dir"))
    return Request(
        words=tuple(words[at:]),
        service=service[0] if service else None,
        publish=tuple(given["--publish"]),
        all_local=bool(flags["--all-local"]),
        trap=flags["--trap"],
        runtime_dir=Path(folder[0]) if folder else None,
    )


def runtime_dir_of(value: Path | None) -> Path:
    """The absolute runtime directory of the scaffoldd that a command works with; when none answers,
    where this user's own is to be started."""
    if value:
        return named_dir(value)
    return paths.running_dir() or paths.own_runtime_dirs()[0]


def named_dir(value: Path) -> Path:
    """The absolute path of a runtime directory that somebody named."""
    folder = value.absolute()
    if len(os.fsencode(folder)) > _DIR_MAX:
        raise WrongUsage(f"--runtime-dir {value}: longer than {_DIR_MAX} bytes, absolute as it is")
    return folder


_DIR_MAX = 95
"""A socket's path has to fit."""
_SERVICES_MAX = 16
_PUBLISH_MAX = 64
"""What the library reads (client/process/policy.h)."""


def check_serving(request: "Request") -> None:
    """WrongUsage unless all that is said about serving, by options or in the environment, will have
    an effect: a port that nobody captures is open on plain IP."""
    service, publish = request.service, list(request.publish)
    of_service, of_publish = "--service", "--publish"
    if service is None and os.environ.get("SCAFFOLD_SERVICE"):
        service, of_service = os.environ["SCAFFOLD_SERVICE"], "SCAFFOLD_SERVICE="
    if not publish and os.environ.get("SCAFFOLD_PUBLISH"):
        publish, of_publish = os.environ["SCAFFOLD_PUBLISH"].split(","), "SCAFFOLD_PUBLISH="
    ports = _service_ports(of_service, service) if service is not None else []
    published = [_published(of_publish, text) for text in publish if text]
    if published and service is None:
        raise WrongUsage(
            f"{of_publish} {publish[0]}: nothing is served without --service; give both"
        )
    if len(published) > _PUBLISH_MAX:
        raise WrongUsage(f"{of_publish}: more than {_PUBLISH_MAX}")
    for side, what in enumerate(("service port", "program's port")):
        seen = [pair[side] for pair in published]
        for port in seen:
            if seen.count(port) > 1:
                raise WrongUsage(f"{of_publish}: {what} {port} is given more than once")
    for port, own in published:
        if 0 not in ports and port not in ports:
            raise WrongUsage(
                f"{of_publish} {port}:{own}: {of_service} {service} does not serve port {port}"
            )


def _service_ports(where: str, text: str) -> list[int]:
    """The ports of a list of services, 0 for all."""
    from .names import split_service

    items = [item for item in text.split(",") if item]
    if not items:
        raise WrongUsage(f"{where}: it is empty; give a service, or leave it out")
    if len(items) > _SERVICES_MAX:
        raise WrongUsage(f"{where}: more than {_SERVICES_MAX} services")
    try:
        return [split_service(item)[1] for item in items]
    except InvalidName as error:
        raise WrongUsage(f"{where} {error.strerror}") from None


def _published(where: str, text: str) -> tuple[int, int]:
    ports = text.split(":")
    if len(ports) != 2 or not all(_is_port(port) for port in ports):
        raise WrongUsage(f"{where} {text}: write SERVICE_PORT:PROGRAM_PORT, as in 80:8000")
    return int(ports[0]), int(ports[1])


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536


def prepare(request: Request) -> tuple[list[str], dict[str, str]]:
    """The words and the environment to start the program with; its scaffoldd answers."""
    check_serving(request)
    folder = runtime_dir_of(request.runtime_dir)
    found = None if request.trap else launch.obstacle(request.words)
    chosen = request.trap is None and found is not None and found.trap and not request.explained
    environment = partial(
        launch.environment,
        folder,
        service=request.service,
        publish=request.publish,
        all_local=request.all_local,
        command=request.words,
    )
    words = list(request.words)
    if found is not None and chosen:
        preload = environment()["LD_PRELOAD"]
        words[:0] = [str(paths.part(paths.TRAP)), "--instead", found.why, preload]
    elif request.trap:
        words.insert(0, str(paths.part(paths.TRAP)))
    elif found is not None:
        say(f"{words[0]} {found.why}; it will use plain IP{_way_out(found, request)}")
    _ensure_scaffoldd(folder)
    return words, environment(trap=request.trap or chosen)


def _way_out(found: launch.Obstacle, request: Request) -> str:
    if not found.trap:
        return ""
    return ", for --explain needs the preload library" if request.explained else " without --trap"


def _ensure_scaffoldd(folder: Path) -> None:
    if control.answers(folder) is not None:
        return
    from . import daemon  # starting one takes longer than loading this

    started = daemon.ensure(folder)
    if started is not None:
        idle = f"it exits {daemon.AUTO_IDLE_EXIT_S} s after its last socket"
        say(f"started scaffoldd (pid {started}) at {folder}; {idle}")


def become(words: Sequence[str], environment: dict[str, str]) -> NoReturn:
    """Put the program in this process's place; where it cannot be run, end as a shell would."""
    sys.stdout.flush()
    try:
        launch.restore_signals()
        os.execvpe(words[0], list(words), environment)
    except OSError as error:
        fail_to_start(words[0], error)


def fail_to_start(program: str, error: OSError) -> NoReturn:
    """End as a shell does where a program cannot be run."""
    say(f"{program}: {error.strerror}")
    sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


def fail(error: ServiceError) -> int:
    """Say what went wrong; returns the exit code."""
    say(str(error.strerror))
    return 2 if isinstance(error, WrongUsage) else 1


def say(text: str) -> None:
    """One line on stderr, as all of the command's."""
    print(f"scaffold: {text}", file=sys.stderr)
