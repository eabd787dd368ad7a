"""Where the command `scaffold-port` starts: with a look for the packages that only it needs."""

import sys
from importlib.util import find_spec

NEEDED = {
    "elftools": "pyelftools",
    "pathspec": "pathspec",
    "tree_sitter": "tree-sitter",
    "tree_sitter_c": "tree-sitter-c",
    "tree_sitter_cpp": "tree-sitter-cpp",
    "tree_sitter_python": "tree-sitter-python",
}
"""What the extra `port` of pyproject.toml brings, by module."""

INCOMPLETE = 3
"""The exit code; no subcommand has this one."""


def main() -> None:
    """Read sys.argv and do it."""
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        print(
            f"scaffold-port: {', '.join(missing)} not installed;"
            " pip install 'scaffold-net[port]', or '.[port]' in a checkout",
            file=sys.stderr,
        )
        sys.exit(INCOMPLETE)
    from .cli import main as every_command

    every_command()


if __name__ == "__main__":
    main()
