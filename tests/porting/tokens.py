"""Python's names of the network by a second method: its own tokenizer, without a tree."""

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = _set("""
    socket fromfd create_connection create_server getaddrinfo gethostbyname gethostbyname_ex
    gethostbyaddr getnameinfo getfqdn inet_aton inet_pton inet_ntoa inet_ntop
""")
"""Of the module socket."""
METHODS = _set("""
    connect connect_ex bind listen accept sendto recvfrom recvfrom_into recvmsg recvmsg_into
    sendmsg getpeername getsockname setsockopt getaddrinfo gethostbyname getnameinfo
    create_connection create_server create_datagram_endpoint open_connection start_server
    sock_connect sock_accept sock_sendto sock_recvfrom sock_recvfrom_into
""")
"""Of sockets and event loops. shutdown and getsockopt do what they should on any socket."""
CERTAIN = METHODS - {"connect", "bind", "listen", "accept", "start_server", "open_connection"}
"""Those that hardly anything else has; the others need a receiver that is called a socket."""
LIBRARY = _set("""
    HTTPConnection HTTPSConnection urlopen urlretrieve build_opener SysLogHandler SocketHandler
    DatagramHandler HTTPHandler SMTPHandler SMTP SMTP_SSL LMTP FTP FTP_TLS POP3 IMAP4 NNTP Telnet
    WSGIServer make_server SimpleXMLRPCServer DocXMLRPCServer ServerProxy HTTPServer
    ThreadingHTTPServer TCPServer UDPServer ThreadingTCPServer ThreadingUDPServer Listener Client
    dispatcher dispatcher_with_send async_chat SMTPServer get_server_certificate BaseManager
    SyncManager RobotFileParser URLopener FancyURLopener open_connection start_server
""")
"""Of the rest of the standard library."""
LOCAL = frozenset({"AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_CAN", "AF_ALG"})
_KINDS = {tokenize.NAME, tokenize.OP, tokenize.STRING, tokenize.NEWLINE}


@dataclass(frozen=True)
class Word:
    """A name where it stands.

    `form` is function (of the module), local (a socket of a family that is no service's), class
    (socket.socket, not called), imported (from the module, called), method, library, or getattr.
    """

    line: int
    name: str
    form: str


def words(data: bytes) -> Iterator[Word]:
    """Every name that matters. Raises what tokenize raises."""
    found = [one for one in tokenize.tokenize(io.BytesIO(data).readline) if one.type in _KINDS]
    texts = [one.string for one in found] + [""] * 6
    modules, imported = _imports(texts)
    for at, one in enumerate(found):
        form = _form(texts, at, modules, imported) if one.type == tokenize.NAME else ""
        if form:
            yield Word(one.start[0], texts[at], form)


def _imports(texts: list[str]) -> tuple[set[str], set[str]]:
    """What the module socket is called, and which of its functions are imported by name."""
    modules, imported = {"socket", "_socket"}, set()
    for at in range(len(texts)):
        if texts[at : at + 3] == ["import", "socket", "as"]:
            modules.add(texts[at + 3])
        if texts[at : at + 3] == ["from", "socket", "import"]:
            line = takewhile(lambda text: text.strip(), texts[at + 3 :])
            imported |= FUNCTIONS & {*line}
    return modules, imported


def _form(texts: list[str], at: int, modules: set[str], imported: set[str]) -> str:
    name, called = texts[at], texts[at + 1] == "("
    before, receiver = texts[at - 1], texts[at - 2]
    if name == "getattr" and texts[at + 2] in modules and texts[at + 4][1:-1] in FUNCTIONS:
        return "getattr"
    if before == ".":
        if receiver in modules and name in FUNCTIONS:
            return _of_module(texts, at)
        known = "sock" in receiver.lower() or "loop" in receiver.lower() or name in CERTAIN
        if name in METHODS and called and known:
            return "method"
    elif name in imported and called and before != "def":
        return "imported"
    return "library" if name in LIBRARY and called and before not in ("def", "class") else ""


def _of_module(texts: list[str], at: int) -> str:
    if texts[at] == "socket" and texts[at + 1] != "(":
        return "class"
    return "local" if LOCAL & {*texts[at + 2 : at + 5]} else "function"
