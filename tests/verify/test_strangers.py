"""scaffold-port on programs that nobody chose for it: analysed, rewritten at both levels, and what
compiled before compiles after.

Each has a folder in `strangers/` with a `port.toml`.
"""

import ast
import builtins
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import scaffold.inet
from scaffold_port import build
from scaffold_port.files import SKIPPED_FOLDERS
from scaffold_port.ported import LEVELS, port
from scaffold_port.ports import Port, names, read
from verify import strangers
from verify.compiled import HEADERS, UNITS, Command, commands, logged, nearest

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]

COMMAND = Path(sys.executable).parent / "scaffold-port"
SOURCES = {*UNITS, *HEADERS, ".y", ".l", ".py"}
COMPILERS = 2
"""At a time."""

Files = dict[Path, bytes]


Done = subprocess.CompletedProcess[str]


def scaffold_port(folder: Path, *words: str | Path) -> Done:
    """The command; its cache is below `folder`."""
    return subprocess.run(
        [COMMAND, *words],
        env=os.environ | {"XDG_CACHE_HOME": str(folder / "cache")},
        capture_output=True,
        text=True,
    )


def files(tree: Path) -> Files:
    """What the files of a tree hold, by their path below it."""
    paths = [path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path.relative_to(tree): path.read_bytes() for path in paths}


class Stranger:
    """A program below a folder, fetched, and rewritten and built when somebody asks for it."""

    def __init__(self, program: Port, fetched: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        [self.origin] = program.sources
        source = self.origin.fetch(fetched)
        changes = program.changes_of(self.origin)
        self.source = port(source, folder / "source" / source.name, "relink", changes).tree

    @cached_property
    def analysis(self) -> Done:
        """Cold."""
        return scaffold_port(self.folder, "analyze", "--json", self.source)

    @property
    def report(self) -> Any:
        return json.loads(self.analysis.stdout)

    def rewritten(self, level: str) -> tuple[Path, Done]:
        """A copy at this level."""
        tree = self.folder / level / self.source.name
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(self.source, tree, symlinks=True)
        return tree, scaffold_port(self.folder, "rewrite", "--in-place", "--level", level, tree)

    def changed(self, level: str) -> Files:
        """The files that `rewrite` changes, as they are then."""
        before, (tree, _) = files(self.source), self.rewritten(level)
        after = files(tree)
        assert after.keys() == before.keys()
        return {path: data for path, data in after.items() if data != before[path]}

    @cached_property
    def built(self) -> tuple[Path, dict[Path, Command]]:
        """A copy that its own commands have built as it is, and how they compile its files."""
        tree = self.folder.resolve() / "built" / self.source.name
        recipe = build.recipes_of(self.program)[self.origin.package]
        shutil.copytree(self.source, tree, symlinks=True)
        with logged(tree.parent) as log:
            build.run(self.program, recipe.steps, tree, "native")
        return tree, commands(log, tree)

    def options(self) -> list[str]:
        """Where `build` lets a compiler find libscaffold's headers."""
        return build.flags(self.folder)["CFLAGS"].split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("strangers")


@pytest.fixture(scope="module", params=names(strangers.FOLDER))
def stranger(request: pytest.FixtureRequest, folder: Path) -> Iterator[Stranger]:
    """One at a time; what was built of it goes with it."""
    program = read(strangers.FOLDER, request.param)
    below = folder / program.app
    yield Stranger(program, folder / "fetched", below)
    shutil.rmtree(below)


def test_analyze(stranger: Stranger, figures: dict[str, float]) -> None:
    """Every file is looked at, or said to be left out."""
    done, report = stranger.analysis, stranger.report
    figures |= {name: report["summary"][name] for name in ("files", "bytes", "findings", "decide")}
    print(f"{stranger.program.app}: {figures}")
    assert done.stderr == ""
    assert done.returncode == (4 if report["not_analysed"] else 0)
    looked_at = report["summary"]["files"] + sum(one["line"] == 0 for one in report["not_analysed"])
    assert looked_at + report["skipped"].get("ignored by git", 0) >= len(sources(stranger.source))


def sources(tree: Path) -> list[Path]:
    """By suffix, but for folders that are nobody's source."""
    return [
        path
        for path in tree.rglob("*")
        if path.suffix in SOURCES and path.is_file() and not path.is_symlink()
        if not SKIPPED_FOLDERS.keys() & set(path.relative_to(tree).parts)
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_rewrite(stranger: Stranger, level: str, figures: dict[str, float]) -> None:
    """The exit status says what is left; a second time there is nothing to do."""
    tree, done = stranger.rewritten(level)
    assert "Traceback" not in done.stderr
    left = 1 if "left to you" in done.stderr else 0
    assert done.returncode == (4 if stranger.report["not_analysed"] else left)
    after = files(tree)
    again = scaffold_port(stranger.folder, "rewrite", "--in-place", "--level", level, tree)
    assert files(tree) == after
    assert again.returncode == done.returncode
    changed = stranger.changed(level)
    figures["changed"] = len(changed)
    print(f"{stranger.program.app}, {level}: {len(changed)} files changed")
    if level == "relink":
        assert [path for path in changed if path.suffix in SOURCES] == []


def test_names_of_python(stranger: Stranger) -> None:
    """What changed is Python as before, and each name in it stands for something."""
    for path, data in stranger.changed("native").items():
        if path.suffix == ".py":
            before, after = parsed((stranger.source / path).read_bytes()), parsed(data)
            assert unbound(after) <= unbound(before), path
            for name in ours(after):
                assert hasattr(scaffold.inet, name), path


def parsed(data: bytes) -> ast.Module:
    """Whatever Python warns of: ntpsec has escapes that mean nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(data)


NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler


def unbound(module: ast.Module) -> set[str]:
    """Names that are read, and bound nowhere in the module."""
    every = [node for node in ast.walk(module) if isinstance(node, ast.Name)]
    bound = {node.id for node in every if not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(module):
        if isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, NAMED) and node.name:
            bound.add(node.name)
    return {node.id for node in every} - bound - set(dir(builtins))


def ours(module: ast.Module) -> set[str]:
    """What the module takes from scaffold.inet."""
    attributes = [node for node in ast.walk(module) if isinstance(node, ast.Attribute)]
    return {node.attr for node in attributes if ast.unparse(node.value) == "scaffold.inet"}


def test_compiles(stranger: Stranger, figures: dict[str, float]) -> None:
    """Each file of C or C++ that changes, that includes one that does, or that has findings,
    compiles at both levels if it compiled before: as the build does it, or alone, as the build does
    its neighbours."""
    changed = {path: data for path, data in stranger.changed("native").items() if is_c(path)}
    if not changed:
        pytest.skip("no C changes")
    tree, known = stranger.built
    found = {Path(one["path"]).relative_to(stranger.source) for one in stranger.report["findings"]}
    concerned = {tree / path for path in changed.keys() | found if is_c(path)}
    paths = sorted(concerned | set(including({path.name for path in changed}, known)))
    options = stranger.options()
    before = complaints(paths, known, options)
    compiling = [path for path in paths if not before[path]]
    relink = complaints(compiling, known, [*options, *build.header("relink").split()])
    for path, data in changed.items():
        (tree / path).write_bytes(data)
    native = complaints(compiling, known, options)
    figures |= {
        "compiled_by_build": len(known),
        "changed": len(changed),
        "changed_and_compiled_by_build": sum(tree / path in known for path in changed),
        "concerned": len(paths),
        "before": len(compiling),
        "relink": sum(not said for said in relink.values()),
        "native": sum(not said for said in native.values()),
    }
    print(f"{stranger.program.app}: {figures}")
    assert figures["changed_and_compiled_by_build"] > 0
    assert {path: said for path, said in relink.items() if said} == {}
    assert {path: said for path, said in native.items() if said} == {}


def is_c(path: Path) -> bool:
    """What a compiler reads: of grammars it sees what is made of them."""
    return path.suffix in UNITS.keys() | HEADERS


def including(names: set[str], known: Iterable[Path]) -> Iterator[Path]:
    """The files that include one of these names, as far as they say so themselves."""
    pattern = re.compile(rb'#[ \t]*include[ \t]*["<](?:[^">\n]*/)?([^/">\n]+)[">]')
    for path in known:
        if names & {os.fsdecode(name) for name in pattern.findall(path.read_bytes())}:
            yield path


def complaints(
    paths: list[Path], known: dict[Path, Command], options: list[str]
) -> dict[Path, str]:
    """What the compiler says of each; empty where it compiles."""

    def of(path: Path) -> str:
        command = nearest(path, known)
        return command.complaints(path, *options) if command else "nothing like it is compiled"

    with ThreadPoolExecutor(COMPILERS) as pool:
        return dict(zip(paths, pool.map(of, paths), strict=True))
