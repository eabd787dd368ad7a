"""What Python itself says of a socket call's arguments: its own code is asked, by a closed socket.

Types, ranges, the number of arguments and the words of each exception are then those of the Python
that runs, whatever its version.
"""

import _socket as kernel
import errno
from functools import cache
from typing import Any


def check(family: int, call: str, *arguments: Any) -> None:
    """Raise what `socket.socket`'s method would raise before it asks the kernel, or nothing."""
    try:
        getattr(_closed(int(family)), call)(*arguments)
    except OSError as error:
        if error.errno != errno.EBADF:  # that of every call that the arguments allow
            raise


@cache
def _closed(family: int) -> kernel.socket:
    one = kernel.socket(family, kernel.SOCK_STREAM)
    one.settimeout(None)
    one.close()
    return one
