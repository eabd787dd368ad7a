"""`scaffold-port` where the packages are missing that `pip install .` leaves out."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scaffold_port.__main__ import INCOMPLETE, NEEDED

ROOT = Path(__file__).parents[2]

# An import system that has lost some packages.
WITHOUT = """
import sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in {modules!r}:
            return super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without
sys.argv = ["scaffold-port", *{words!r}]
from scaffold_port.__main__ import main
main()
"""


def test_the_extra_is_what_is_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = [re.split("[<>=]", line)[0] for line in project["optional-dependencies"]["port"]]
    assert sorted(extra) == sorted(NEEDED.values())
    base = {re.split("[<>=]", line)[0] for line in project["dependencies"]}
    assert base == {"cffi", "click", "rich"}


@pytest.mark.parametrize("words", [[], ["--help"], ["analyze", "."], ["audit", "/bin/true"]])
@pytest.mark.parametrize("modules", [["tree_sitter_python"], list(NEEDED)], ids=["one", "all"])
def test_what_is_missing_is_one_line(words: list[str], modules: list[str]) -> None:
    code = WITHOUT.format(words=words, modules=modules)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == INCOMPLETE
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    for module in modules:
        assert NEEDED[module] in done.stderr
    assert "pip install 'scaffold-net[port]'" in done.stderr


def test_nothing_else_needs_them() -> None:
    """`scaffold` and the package work without: every module of theirs is loaded."""
    code = (
        "import sys, pkgutil, importlib, scaffold\n"
        f"sys.modules.update(dict.fromkeys({list(NEEDED)!r}))\n"  # None: cannot be imported
        "for module in pkgutil.walk_packages(scaffold.__path__, 'scaffold.'):\n"
        "    if module.name not in ('scaffold._build', 'scaffold.doctor.ask'):\n"
        "        importlib.import_module(module.name)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
