"""What programs use of the standard library: the rule for each name, and what becomes of it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Name:
    """One that the library has, by the rule that looks at it."""

    rule: str
    fix: str = ""
    """What `rewrite` puts in its place, with the same arguments."""
    why: str = ""
    """Else why a person has to look at it; empty: what the rule says."""


_OPENS = "opens a connection of its own"
_SERVES = "makes a socket of its own, unless it is given one of scaffold.inet"
_RESOLVES = "resolves by itself"
_GEVENT = "is not the standard library's; that of scaffold.inet waits for gevent as well"
_GEVENTS = "makes a socket of gevent's, unless it is given one of scaffold.inet"
_EVENTLET = (
    "is not the standard library's; under eventlet that of scaffold.inet is eventlet's, which "
    "reaches no service"
)


_TRIOS = "is trio's, which takes no socket of scaffold.inet"
_UVLOOPS = "makes loops of uvloop, which take sockets of scaffold.inet and no names of services"
_IN_C = "opens its connections in C, where no call is renamed"
_THROUGH_PROXY = "opens the connection to a proxy of its own"


def _table(module: str, rule: str, names: str, why: str = "") -> dict[str, Name]:
    return {f"{module}.{name}": Name(rule, why=why) for name in names.split()}


def _renamed(module: str, rule: str, names: str) -> dict[str, Name]:
    return {f"{module}.{name}": Name(rule, fix=f"scaffold.inet.{name}") for name in names.split()}


def _opens(module: str, names: str) -> dict[str, Name]:
    return _table(module, "connection-call", names, _OPENS)


def _serves(module: str, names: str) -> dict[str, Name]:
    return _table(module, "socket-family", names, _SERVES)


def _in_c(module: str, names: str) -> dict[str, Name]:
    return _table(module, "connection-call", names, _IN_C)


def _through_proxy(module: str, names: str) -> dict[str, Name]:
    return _table(module, "connection-call", names, _THROUGH_PROXY)


def _foreign(module: str, why: str) -> dict[str, Name]:
    return {
        **_table(module, "socket-family", "socket", why),
        **_table(module, "connection-call", "create_connection", why),
        **_table(module, "resolver-call", "getaddrinfo gethostbyname", why),
    }


OTHERS: dict[str, Name] = {
    **_foreign("gevent.socket", _GEVENT),
    **_foreign("eventlet.green.socket", _EVENTLET),
    **_table("eventlet", "connection-call", "connect listen monkey_patch", _EVENTLET),
    **_table("gevent.server", "socket-family", "StreamServer DatagramServer", _GEVENTS),
    **_table("gevent.pywsgi", "socket-family", "WSGIServer", _GEVENTS),
    **_foreign("trio.socket", _TRIOS),
    **_table("trio.socket", "socket-family", "from_stdlib_socket fromfd", _TRIOS),
    **_opens("trio", "open_tcp_stream open_ssl_over_tcp_stream"),
    **_serves("trio", "serve_tcp serve_ssl_over_tcp open_tcp_listeners"),
    **_opens("anyio", "connect_tcp create_connected_udp_socket"),
    **_serves("anyio", "create_tcp_listener create_udp_socket"),
    **_table("uvloop", "connection-call", "install run new_event_loop EventLoopPolicy", _UVLOOPS),
    **_through_proxy("socks", "socksocket create_connection set_default_proxy setdefaultproxy"),
    **_through_proxy("python_socks.sync", "Proxy ProxyChain"),
    **_through_proxy("python_socks.async_.asyncio", "Proxy"),
    **_through_proxy("python_socks.async_.trio", "Proxy"),
    **_through_proxy("python_socks.async_.anyio", "Proxy"),
    **_through_proxy("aiohttp_socks", "ProxyConnector ChainProxyConnector"),
    **_through_proxy("httpx_socks", "SyncProxyTransport AsyncProxyTransport"),
    **_in_c("zmq", "Context"),
    **_in_c("zmq.asyncio", "Context"),
    **_in_c("zmq.green", "Context"),
    **_in_c("pycurl", "Curl"),
    **_in_c("grpc", "insecure_channel secure_channel server"),
    **_in_c("grpc.aio", "insecure_channel secure_channel server"),
    **_in_c("psycopg2", "connect"),
    **_in_c("psycopg2.pool", "SimpleConnectionPool ThreadedConnectionPool"),
    **_in_c("psycopg", "connect Connection AsyncConnection"),
    **_in_c("psycopg_pool", "ConnectionPool AsyncConnectionPool"),
    **_in_c("MySQLdb", "connect"),
    **_in_c("pymssql", "connect"),
    **_in_c("ldap", "initialize"),
    **_in_c("pylibmc", "Client"),
    **_in_c("confluent_kafka", "Producer Consumer"),
}
"""Of packages that are not Python's."""

_STANDARD: dict[str, Name] = {
    **_renamed("socket", "socket-family", "socket fromfd"),
    **_renamed("socket", "connection-call", "create_connection create_server"),
    **_renamed("socket", "resolver-call", "getaddrinfo gethostbyname"),
    **_renamed("socket", "address-printing", "inet_ntoa inet_ntop"),
    **_renamed("socket", "address-construction", "inet_aton inet_pton"),
    **_renamed("asyncio", "connection-call", "open_connection start_server"),
    **_table("socket", "resolver-call", "gethostbyname_ex gethostbyaddr", _RESOLVES),
    **_table("socket", "resolver-call", "getfqdn"),
    **_table("socket", "address-printing", "getnameinfo", _RESOLVES),
    **_table("socket", "port-logic", "htons ntohs getservbyname getservbyport"),
    **_table("socket", "family-loop", "AF_UNSPEC IPV6_V6ONLY IP_ADD_MEMBERSHIP IPV6_JOIN_GROUP"),
    **_table("socket", "family-loop", "IP_MULTICAST_TTL has_dualstack_ipv6"),
    **_table("socket", "non-blocking-connect", "SO_ERROR"),
    **_table("socket", "socket-family", "SocketType", "is meant as a class"),
    **_serves("_socket", "socket SocketType"),
    **_table("_socket", "resolver-call", "getaddrinfo gethostbyname", _RESOLVES),
    **_table("errno", "non-blocking-connect", "EINPROGRESS"),
    **_table("os", "fork-server", "fork"),
    **_serves("socketserver", "TCPServer UDPServer ThreadingTCPServer ThreadingUDPServer"),
    **_serves("socketserver", "ForkingTCPServer ForkingUDPServer"),
    **_serves("http.server", "HTTPServer ThreadingHTTPServer HTTPSServer ThreadingHTTPSServer"),
    **_serves("http.server", "test"),
    **_serves("wsgiref.simple_server", "WSGIServer make_server"),
    **_serves("xmlrpc.server", "SimpleXMLRPCServer DocXMLRPCServer"),
    **_serves("multiprocessing.connection", "Listener"),
    **_serves("multiprocessing.managers", "BaseManager SyncManager"),
    **_serves("logging.config", "listen"),
    **_serves("asyncore", "dispatcher dispatcher_with_send"),
    **_serves("asynchat", "async_chat"),
    **_serves("smtpd", "SMTPServer DebuggingServer PureProxy"),
    **_opens("http.client", "HTTPConnection HTTPSConnection"),
    **_opens("urllib.request", "urlopen urlretrieve build_opener OpenerDirector"),
    **_opens("urllib.request", "URLopener FancyURLopener"),
    **_opens("urllib.robotparser", "RobotFileParser"),
    **_opens("xmlrpc.client", "ServerProxy Server Transport SafeTransport"),
    **_opens("smtplib", "SMTP SMTP_SSL LMTP"),
    **_opens("ftplib", "FTP FTP_TLS"),
    **_opens("poplib", "POP3 POP3_SSL"),
    **_opens("imaplib", "IMAP4 IMAP4_SSL"),
    **_opens("nntplib", "NNTP NNTP_SSL"),
    **_opens("telnetlib", "Telnet"),
    **_opens("ssl", "get_server_certificate"),
    **_opens("multiprocessing.connection", "Client"),
    **_opens("logging.handlers", "SocketHandler HTTPHandler SMTPHandler"),
    **_table("logging.handlers", "datagram-call", "DatagramHandler SysLogHandler", _OPENS),
}
"""Names that only other modules know (selectors, select, ssl.SSLContext) take the sockets that they
are given."""
TODAY = _STANDARD | OTHERS
EARLIER = {
    "http.client": ("httplib", "six.moves.http_client"),
    "http.server": ("BaseHTTPServer", "six.moves.BaseHTTPServer"),
    "socketserver": ("SocketServer", "six.moves.socketserver"),
    "urllib.request": ("urllib", "urllib2", "six.moves.urllib.request"),
    "urllib.robotparser": ("robotparser", "six.moves.urllib.robotparser"),
    "xmlrpc.client": ("xmlrpclib", "six.moves.xmlrpc_client"),
    "xmlrpc.server": ("SimpleXMLRPCServer", "DocXMLRPCServer", "six.moves.xmlrpc_server"),
}
"""What modules were called in Python 2, and what six calls them in both. Without these names a
program for Python 2 that speaks of no other would pass for one without sockets."""


def _earlier() -> dict[str, Name]:
    """The names of today's modules in earlier ones."""
    return {
        f"{earlier}.{name.removeprefix(f'{today}.')}": known
        for today, modules in EARLIER.items()
        for earlier in modules
        for name, known in TODAY.items()
        if name.rpartition(".")[0] == today
    }


LIBRARY = TODAY | _earlier()

MODULES = frozenset(
    name.rpartition(".")[0]
    for name in LIBRARY
    if name not in OTHERS or name.endswith(".socket.socket")
) - {"errno", "os"}
"""Modules that are sockets' business as a whole: as a value they go where nobody follows."""

METHODS = {
    "connect": "connection-call",
    "connect_ex": "non-blocking-connect",
    "bind": "connection-call",
    "listen": "connection-call",
    "accept": "connection-call",
    "sendto": "datagram-call",
    "recvfrom": "datagram-call",
    "recvfrom_into": "datagram-call",
    "recvmsg": "datagram-call",
    "recvmsg_into": "datagram-call",
    "sendmsg": "datagram-call",
    "getpeername": "socket-name",
    "getsockname": "socket-name",
    "setsockopt": "checked-option",
    "create_datagram_endpoint": "datagram-call",
    "create_connection": "connection-call",
    "create_server": "connection-call",
    "getaddrinfo": "resolver-call",
    "gethostbyname": "resolver-call",
    "getnameinfo": "address-printing",
    "sock_connect": "connection-call",
    "sock_accept": "connection-call",
    "sock_sendto": "datagram-call",
    "sock_recvfrom": "datagram-call",
    "sock_recvfrom_into": "datagram-call",
}
ONLY_SOCKETS = {
    "sendto", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "sendmsg", "getpeername",
    "getsockname", "setsockopt", "connect_ex", "create_datagram_endpoint", "getaddrinfo",
    "gethostbyname", "getnameinfo", "sock_connect", "sock_accept", "sock_sendto", "sock_recvfrom",
    "sock_recvfrom_into",
}  # fmt: skip
"""Methods that hardly anything else has; the others need a receiver that is known."""
LOOPS = {"create_connection", "create_server"}
"""Methods that an event loop has as well."""
OF_LOOPS = LOOPS | {"create_datagram_endpoint", "getaddrinfo", "gethostbyname"}
"""Methods of event loops that make sockets, or ask for addresses, by themselves."""
LOOP_MAKERS = {f"asyncio.{kind}_event_loop()" for kind in ("get", "new")} | {
    "asyncio.get_running_loop()"
}
STAY = {"connection-call", "datagram-call", "non-blocking-connect"}
"""Rules whose methods do what they should once the socket is scaffold.inet's."""
MAKERS = {
    f"{module}.{name}"
    for module in ("socket", "scaffold.inet")
    for name in ("socket", "fromfd", "create_connection", "create_server")
}
LOCAL = {
    f"socket.{name}"
    for name in ("AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_CAN", "AF_BLUETOOTH",
                 "AF_ALG", "AF_TIPC", "AF_QIPCRTR")
}  # fmt: skip
"""Families that can never be a service's."""
BUILT_IN = {
    f"socket.{name}"
    for name in ("gethostbyname", "inet_aton", "inet_ntoa", "inet_pton", "inet_ntop")
}
"""Functions of C: as attributes of a class they do not become methods, and Python's do."""


def words() -> Iterable[str]:
    """Of these a file has at least one if anything in it can matter."""
    yield from {name.partition(".")[0] for name in LIBRARY} - {"errno", "os"}
    yield from ONLY_SOCKETS
