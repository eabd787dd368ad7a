"""Where the command `scaffold` starts: everything but a plain `scaffold run` is left to click."""

import sys

from . import run
from .errors import ServiceError


def main() -> None:
    """Read sys.argv and do it."""
    request = run.parse(sys.argv[2:]) if sys.argv[1:2] == ["run"] else None
    if request is None:
        from .cli import main as every_command

        every_command()
        return
    try:
        run.become(*run.prepare(request))
    except ServiceError as error:
        sys.exit(run.fail(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
