"""Things that are made once, whichever thread asks first."""

from collections.abc import Callable, Hashable
from functools import wraps
from threading import RLock
from typing import Any


def once(make: Callable[..., Any]) -> Callable[..., Any]:
    """`functools.cache`, but threads that ask at the same time get the same."""
    made: dict[tuple[Hashable, ...], Any] = {}
    lock = RLock()

    @wraps(make)
    def get(*about: Hashable) -> Any:
        if about not in made:
            with lock:
                if about not in made:
                    made[about] = make(*about)
        return made[about]

    return get
