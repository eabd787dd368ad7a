"""What programs use of the standard library, and the rules for it."""

SERVERS = {
    *(f"socketserver.{kind}{protocol}Server" for kind in ("", "Threading", "Forking")
      for protocol in ("TCP", "UDP")),
    "http.server.HTTPServer", "http.server.ThreadingHTTPServer",
}  # fmt: skip
"""Classes that make their sockets themselves."""
USES = {
    "socket.socket": "socket-family",
    "socket.fromfd": "socket-family",
    "socket.create_connection": "connection-call",
    "socket.create_server": "connection-call",
    "socket.getaddrinfo": "resolver-call",
    "socket.gethostbyname": "resolver-call",
    "socket.gethostbyname_ex": "resolver-call",
    "socket.gethostbyaddr": "resolver-call",
    "socket.getnameinfo": "address-printing",
    "socket.inet_ntoa": "address-printing",
    "socket.inet_ntop": "address-printing",
    "socket.inet_aton": "address-construction",
    "socket.inet_pton": "address-construction",
    "socket.htons": "port-logic",
    "socket.ntohs": "port-logic",
    "socket.getservbyname": "port-logic",
    "socket.getservbyport": "port-logic",
    "socket.AF_UNSPEC": "family-loop",
    "socket.IPV6_V6ONLY": "family-loop",
    "socket.IP_ADD_MEMBERSHIP": "family-loop",
    "socket.IPV6_JOIN_GROUP": "family-loop",
    "socket.IP_MULTICAST_TTL": "family-loop",
    "socket.SO_ERROR": "non-blocking-connect",
    "errno.EINPROGRESS": "non-blocking-connect",
    "asyncio.open_connection": "connection-call",
    "asyncio.start_server": "connection-call",
    "os.fork": "fork-server",
} | dict.fromkeys(SERVERS, "socket-family")
_NAMESAKES = {
    "socket": ("socket", "fromfd", "create_connection", "create_server", "getaddrinfo",
               "gethostbyname", "inet_aton", "inet_ntoa", "inet_pton", "inet_ntop"),
    "asyncio": ("open_connection", "start_server"),
}  # fmt: skip
"""What scaffold.inet has with the same arguments."""
FIXES = {
    f"{module}.{name}": f"scaffold.inet.{name}"
    for module, functions in _NAMESAKES.items()
    for name in functions
}
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
    "sendmsg": "datagram-call",
    "getpeername": "socket-name",
    "getsockname": "socket-name",
    "setsockopt": "checked-option",
    "create_datagram_endpoint": "datagram-call",
    "create_connection": "connection-call",
    "create_server": "connection-call",
    "sock_connect": "connection-call",
}
ONLY_SOCKETS = {
    "sendto", "recvfrom", "recvfrom_into", "recvmsg", "sendmsg", "getpeername", "getsockname",
    "setsockopt", "connect_ex", "create_datagram_endpoint", "sock_connect",
}  # fmt: skip
"""Methods that hardly anything else has; the others need a receiver that is known."""
LOOPS = {"create_connection", "create_server"}
"""Methods that an event loop has as well."""
STAY = {"connection-call", "datagram-call", "non-blocking-connect"}
"""Rules whose methods do what they should once the socket is scaffold.inet's."""
MAKERS = {
    f"{module}.{name}"
    for module in ("socket", "scaffold.inet")
    for name in ("socket", "fromfd", "create_connection", "create_server")
}
