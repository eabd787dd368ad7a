"""The first files of a port: what is known of the program, and the frame of its scenario."""

import re
from pathlib import Path

from .ports import FETCHERS, Origin

_TOML = """# {app}: where its source comes from, and how it is built.

row = "{app}"
licence = "{licence}"

[[source]]
kind = "{kind}"
package = "{package}"
version = "{version}"

[source.build]
steps = [{steps}]
programs = []  # below the source, as the steps leave them: "src/{app}"
"""

_SCENARIO = '''"""{app} between two hosts, by service name."""

from scaffold.lab import Lab
from scaffold.scenario import Result, check_level, expect, program, verified

SERVICE = "{app}.demo.scaffold"
PORT = 80


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """What went in at one end must come out at the other."""
    check_level(level)
    result = Result()
    # The server: at the native level its own option names the service instead.
    listener = lab[server].popen([program("{app}")], service=SERVICE)
    lab.await_service(f"{{SERVICE}}:{{PORT}}", process=listener)
    with verified(lab, client, "{app}", result):
        done = lab[client].run([program("{app}"), SERVICE])
        expect(done.returncode == 0, f"{app} exited with {{done.returncode}}: {{done.stderr}}")
    lab[server].end(listener)
    return result
'''

_STEPS = {
    "configure": (("./configure", "--quiet"), ("make", "-s")),
    "configure.ac": (("autoreconf", "-fi"), ("./configure", "--quiet"), ("make", "-s")),
    "CMakeLists.txt": (("cmake", "-S", ".", "-B", "build"), ("cmake", "--build", "build")),
    "Makefile": (("make", "-s"),),
    "GNUmakefile": (("make", "-s"),),
}
"""By the file at the top of the source: what usually builds it."""


class CannotStart(Exception):
    """The text says why."""


_PACKAGE = re.compile(r"(?P<package>.+?)(?:@(?P<version>[^@/:]+))?")
"""The name of a user may stand before the host of a repository."""


def origin(text: str) -> Origin:
    """`KIND:PACKAGE`, with `@VERSION` behind where it is to be pinned. Raises CannotStart."""
    kind, _, rest = text.partition(":")
    parts = _PACKAGE.fullmatch(rest)
    if kind not in FETCHERS or parts is None:
        kinds = ", ".join(f"{one}:PACKAGE" for one in FETCHERS)
        raise CannotStart(f"{text!r} names no source; write one of {kinds}")
    return Origin(kind, parts["package"], parts["version"] or "")


def start(app: str, source: Origin, unpacked: Path, folder: Path) -> list[Path]:
    """Write `folder`/port.toml and scenario.py. Raises CannotStart where there is one already."""
    if folder.exists():
        raise CannotStart(f"{folder}: there is a port of that name already")
    folder.mkdir(parents=True)
    contents = {
        "port.toml": _TOML.format(
            app=app,
            licence=_licence(unpacked),
            kind=source.kind,
            package=source.package,
            version=source.version_of(unpacked),
            steps=", ".join(_step(words) for words in _steps(unpacked)),
        ),
        "scenario.py": _SCENARIO.format(app=app),
    }
    for name, text in contents.items():
        (folder / name).write_text(text)
    return [folder / name for name in contents]


def _steps(unpacked: Path) -> tuple[tuple[str, ...], ...]:
    return next((steps for name, steps in _STEPS.items() if (unpacked / name).exists()), ())


def _step(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def _licence(unpacked: Path) -> str:
    """Where it can be read; what it is, only a reader knows."""
    found = sorted(path.name for path in unpacked.glob("*") if path.stem.upper() in _LICENCES)
    return f"see {found[0]}" if found else "not found"


_LICENCES = {"COPYING", "LICENSE", "LICENCE", "COPYRIGHT"}
