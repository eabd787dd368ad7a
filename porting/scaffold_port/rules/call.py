"""Kind 9: calls that have a new name."""

from ..c.unit import Unit, Use
from ..questions import elsewhere
from .libraries import OPENING
from .option import refused
from .rule import Rule, is_call, namesake

_OPTIONS = frozenset({"setsockopt", "getsockopt"})


def _judge(use: Use, unit: Unit) -> str | None:
    if use.name in OPENING:
        is_object = use.role in ("type", "member") and use.function != ""
        is_meant = is_call(use) or use.value or is_object
        return f"`{use.name}` opens a connection of its own" if is_meant else None
    if not is_call(use) and not use.value:
        return None
    if is_call(use) and _says_more(use):
        return None
    if use.name in _OPTIONS:
        return f"`{use.name}` would ask what lies below a service's socket"
    return f"`{use.name}` has a namesake that serves both services and plain IP"


def _says_more(use: Use) -> bool:
    """What checked-option and non-blocking-connect are about."""
    if use.name == "setsockopt":
        return use.used or refused(use) != ""
    return "SO_ERROR" in use.arguments


def _fix(use: Use, unit: Unit) -> str:
    return "" if use.name in OPENING else namesake(use, unit)


def _ask(use: Use, unit: Unit) -> str:
    library = OPENING.get(use.name)
    return elsewhere(f"{library} opens connections of its own") if library else ""


RULE = Rule(
    id="connection-call",
    kind=9,
    title="A call that names, offers, accepts or shapes a connection",
    explanation=(
        "scaffold_connect, scaffold_bind, scaffold_listen, scaffold_accept, scaffold_shutdown, "
        "scaffold_setsockopt and scaffold_getsockopt take services and plain IP alike. libc's own "
        "see the AF_UNIX socket below a service's: they refuse options of TCP, or answer for "
        "AF_UNIX. read, write, sendfile, poll and close stay libc's. What a library opens by "
        "itself knows services where it is ported, too, or under the shim: a human decides, once "
        "for a file and a library."
    ),
    names=_OPTIONS
    | OPENING.keys()
    | {"connect", "bind", "listen", "accept", "accept4", "shutdown"},
    judge=_judge,
    fix=_fix,
    ask=_ask,
)
