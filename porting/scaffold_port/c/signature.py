"""What libc's functions take, and which calls and declarations are of other functions.

A kind is a letter: `i` a number, `p` a pointer, `a` one to a socket's address, `0` a number or a
pointer, `s` a structure, `x` what C has not, `m` a macro's, `?` not known.
"""

from dataclasses import dataclass

_TAKES = """
socket iii          connect ipi         bind ipi            listen ii           shutdown ii
accept ipp          accept4 ippi        getsockname ipp     getpeername ipp
getsockopt iiipp    setsockopt iiipi
send ipii           sendto ipiipi       sendmsg ipi         sendmmsg ipii
recv ipii           recvfrom ipiipp     recvmsg ipi         recvmmsg ipiip
read ipi            readv ipi           write ipi           writev ipi
getaddrinfo pppp    getaddrinfo_a ipip  getnameinfo pipipii
gethostbyname p     gethostbyname2 pi   gethostbyaddr pii
gethostbyname_r pppipp                  gethostbyname2_r pippipp
gethostbyaddr_r piippipp
inet_aton pp        inet_addr p         inet_pton ipp       inet_ntoa s         inet_ntop ippi
getservbyname pp    getservbyport ip    getservbyname_r ppppip
htons i             ntohs i             fork -              vfork -
rresvport p         rresvport_af pi     bindresvport ip
rcmd pipppp         rcmd_af pippppi     rexec pipppp        rexec_af pippppi
"""
"""As POSIX and glibc 2.36 declare them."""
_WORDS = _TAKES.split()
TAKES = {name: kinds.strip("-") for name, kinds in zip(_WORDS[::2], _WORDS[1::2], strict=True)}

WORDS = frozenset(
    {"accept", "bind", "connect", "fork", "listen", "read", "recv", "send", "socket", "write"}
)
"""Names that others' classes have as well."""


@dataclass(frozen=True)
class Parameters:
    """What a declaration says that a function takes; the last ones are optional."""

    kinds: str
    required: int

    def take(self, given: str) -> bool:
        """Whether a call with so many arguments may be meant."""
        return self.required <= len(given) <= len(self.kinds)


def is_others_call(name: str, given: str | None) -> bool:
    """Whether no function of libc's is called: what is given differs in number or in kind."""
    takes = TAKES.get(name)
    if takes is None or given is None or may_be_more(name, given):
        return False
    return not _fit(takes, given)


def is_others_declaration(name: str, parameters: Parameters | None) -> bool:
    """The same of a function's head."""
    takes = TAKES.get(name)
    if takes is None or parameters is None:
        return False
    return not _fit(takes, parameters.kinds)


def _fit(takes: str, given: str) -> bool:
    return len(takes) == len(given) and all(map(_fits, takes, given))


def _fits(takes: str, given: str) -> bool:
    return given in ("?", "m", takes) or takes + given in ("i0", "p0", "pa", "sx")


def may_be_more(name: str, given: str | None) -> bool:
    """Whether too little is given, but a macro's name may stand for several arguments."""
    return given is not None and len(given) < len(TAKES.get(name, "")) and "m" in given


def is_settled(name: str, given: str | None) -> bool:
    """Whether enough of what fits is known for no other function: the first, or an address."""
    if not given or may_be_more(name, given):
        return False
    return given[0] in "ipa" or "a" in given
