"""Questions to scaffoldd that may take as long as the network does.

gevent's greenlets share one thread, which must not wait for an answer.
"""

import sys
from collections.abc import Callable
from typing import Any


def aside(ask: Callable[..., Any], *about: Any) -> Any:
    """What it returns or raises. Where gevent has patched `socket`, a thread of its waits for it,
    as for names that it looks up itself."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("socket"):
        return ask(*about)
    gevent: Any = sys.modules["gevent"]
    value, error = gevent.get_hub().threadpool.apply(_outcome, (ask, about))
    if error is not None:
        raise error
    return value


def _outcome(ask: Callable[..., Any], about: Any) -> tuple[Any, Exception | None]:
    """gevent prints what its threads raise."""
    try:
        return ask(*about), None
    except Exception as error:
        return None, error
