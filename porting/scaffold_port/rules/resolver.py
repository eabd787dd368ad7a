"""Kind 3: loops over a resolver's answers."""

from ..c.unit import Unit, Use
from ..questions import elsewhere
from .rule import Rule, calls, namesake

_NO_NAMESAKE = frozenset({"getaddrinfo_a"})


def _ask(use: Use, unit: Unit) -> str:
    return elsewhere(f"`{use.name}` is of libc alone") if use.name in _NO_NAMESAKE else ""


def _fix(use: Use, unit: Unit) -> str:
    return "" if use.name in _NO_NAMESAKE else namesake(use, unit)


RULE = Rule(
    id="resolver-call",
    kind=3,
    title="A name is resolved",
    explanation=(
        "scaffold_getaddrinfo answers names under .scaffold at once, with one address that stands "
        "for every instance, and leaves all others to libc. A loop over its list tries one entry; "
        "there is nothing to remember or to shuffle. gethostbyname has a namesake, too; "
        "getaddrinfo_a, which answers later, has none: only under the shim it finds services."
    ),
    names=frozenset(
        {
            *_NO_NAMESAKE,
            "getaddrinfo",
            "gethostbyname",
            "gethostbyname2",
            "gethostbyname_r",
            "gethostbyname2_r",
            "gethostbyaddr",
            "gethostbyaddr_r",
        }
    ),
    judge=calls("`{name}` resolves a name that may be a service's"),
    fix=_fix,
    ask=_ask,
)
