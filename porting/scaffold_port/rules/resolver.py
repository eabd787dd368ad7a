"""Kind 3: loops over a resolver's answers."""

from .rule import Rule, calls, namesake

RULE = Rule(
    id="resolver-call",
    kind=3,
    title="A name is resolved",
    explanation=(
        "scaffold_getaddrinfo answers names under .scaffold at once, with one address that stands "
        "for every instance, and leaves all others to libc. A loop over its list tries one entry; "
        "there is nothing to remember or to shuffle. gethostbyname has a namesake, too."
    ),
    names=frozenset(
        {
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
    fix=namesake,
)
