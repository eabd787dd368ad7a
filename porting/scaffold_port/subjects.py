"""What a file is about where its addresses mean something beyond its own sockets: protocols that
carry addresses, access lists, what is local."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .questions import (
    ANNOUNCED,
    BACK,
    COUNTED,
    LISTED,
    LOCAL,
    LOW_PORT,
    MASKED,
    RECEIVED,
    RECORD,
    REVERSED,
    TOLD,
    carried,
)

RULES = frozenset(
    {"address-construction", "address-printing", "address-size", "port-logic", "socket-name"}
    | {"family-loop"}
)
"""Whose findings are about the addresses that a file handles."""
NEAR = 60
"""Lines: what is written further away is another function's."""
_MESSAGE = frozenset({ANNOUNCED, RECORD, RECEIVED})
_BETWEEN_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])|[-.]")


@dataclass(frozen=True)
class Subject:
    """One reason to ask, and how a file shows it."""

    question: str
    named: re.Pattern[str]
    """In the name of a file or a function, in lower case, with `_` between words."""
    written: tuple[bytes, ...] = ()
    """In what the file says; a quotation mark stands for either."""
    served: frozenset[str] = _MESSAGE
    """Questions about a function of the file that are about the same."""

    def names(self, name: str) -> bool:
        """Whether a file or a function is called after it."""
        return self.named.search(_BETWEEN_WORDS.sub("_", name).lower()) is not None


def named(words: str = "", anywhere: str = "") -> re.Pattern[str]:
    """What a name has as a word of its own (digits may follow), or anywhere in it."""
    whole = rf"(?<![a-z])(?:{words})(?![a-z])" if words else ""
    return re.compile("|".join(filter(None, (whole, anywhere))))


SUBJECTS = (
    Subject(
        carried("PROXY's header"),
        named("proxyp", "ha_?proxy|proxy_?(?:proto|hdr|header|line|v1|v2)"),
        (
            *(b"PROXY TCP", b"PROXY UNKNOWN", b"PROXY protocol", b"Proxy Protocol"),
            *(b"\\x51\\x55\\x49", b"PROXY_AF_INET", b"PP2_"),
        ),
    ),
    Subject(
        carried("`Forwarded` or its like"),
        named("real_?ip|remoteip|ext_?forward|forwarded|xforward|xclient"),
        (b"X-Forwarded-For", b"X-Real-IP", b'"Forwarded: ', b'"XCLIENT ', b'"XFORWARD '),
    ),
    Subject(
        carried("SOCKS"),
        named(
            "socks_?(?:proxy|req|request|reply|auth|neg|negotiate|conn|connect)",
            "socks[45]|(?:proxy|traverse|through|via)_socks|^socks$|(?:smtp|http|irc)_socks",
        ),
    ),
    Subject(
        carried("FTP"),
        named("pasv|epsv|eprt|lprt", "ftp_?(?:port|passive|active)"),
        (b'"EPRT', b'"LPRT', b'"PASV', b'"EPSV', b'"PORT %', b'"227 ', b'"229 ', b"Passive Mode"),
    ),
    Subject(
        carried("a milter's protocol"),
        named(
            anywhere="^milter[0-9]*$|milter[0-9]?_?(?:conn|addr|helo)|(?:mlfi|xxfi)_connect|connect_?info|miltertest"
        ),
    ),
    Subject(
        BACK,
        named(
            "identd?|ident_?(?:query|lookup|request|auth|resp|check|client)|rshd|rexecd?",
            "rfc_?1?413|getauthinfo|rcmd|kcmd",
        ),
        (rb"%d,%d\r\n", rb"%u,%u\r\n", rb"%d , %d\r\n", rb"%u , %u\r\n", rb"%hu,%hu\r\n"),
    ),
    Subject(carried("talk"), named("n?talkd"), (b"CTL_MSG",)),
    Subject(
        carried("SSDP"),
        named("ssdp_?(?:notify|response|announce)"),
        (b'"LOCATION: http', b'"LOCATION:http', b"CALLBACK: <http"),
    ),
    Subject(carried("dnstap"), named(anywhere="dnstap")),
    Subject(
        carried("SIP or SDP"),
        named(
            "sdp|rport|init_via|hep(?:v?[23])?|via_?(?:builder|hdr|parse)",
            "sip_?(?:via|contact|msg|trace|capture)|published_?(?:name|addr)",
        ),
        (b'"Via: ', b'"Contact: ', b'"Record-Route: ', b";received=", b";rport", b" IN IP4 "),
    ),
    Subject(
        carried("Kerberos"),
        named(
            "kaddr|kerberos|gssapi|spnego", r"(?<=_)krb5?|^krb5?$|auth_?con|sock_(?:to_)?principal"
        ),
    ),
    Subject(carried("DCC"), named("x?dcc"), (b"DCC SEND", b"DCC CHAT")),
    Subject(
        carried("RADIUS"),
        named(anywhere="nas_ip|framed_ip"),
        (b"NAS-IP-Address", b"NAS-IPv6-Address", b"Framed-IP-Address"),
    ),
    Subject(
        carried("SNMP"),
        named(anywhere="snmp_?trap|agent_addr"),
        (b"->agent_addr", b"snmpTrapAddress"),
    ),
    Subject(
        carried("what opens ports of a router"),
        named("pcp|igd", "nat_?pmp|upnp_?(?:redirect|pinhole|add|init)"),
        (b"GetExternalIPAddress", b"NewInternalClient", b"AddPortMapping"),
    ),
    Subject(
        carried("STUN or TURN"),
        named(
            "k?a?m?_?stun",
            "xor_?(?:mapped|peer|relay)|mapped_?addr|turn_(?:msg|server|alloc|peer|relay)"
            "|ice_?candidate",
        ),
    ),
    Subject(
        carried("a packet that is put together"),
        named(anywhere="spoof"),
        (b"libnet_build_ip", b"libnet_build_udp"),
    ),
    Subject(
        carried("an exchange of peers"),
        named(
            "trackers?|dht|pex|peer_?exchange|(?:un)?pack_?compact|compact_?(?:peer|node|address)s?(?:es)?"
        ),
        (b'"added.f"', b'"added6"', b"compact=1", b"compact=%"),
    ),
    Subject(
        carried("RPC"),
        named(
            anywhere="portmap(?!ping)|rpcb|pmap|uaddr|universal_?addr|sockaddr2universal"
            "|callback_addr"
        ),
        (b"clientaddr=",),
    ),
    Subject(carried("what is written there"), named(anywhere="serializ")),
    Subject(
        RECORD,
        named(
            "rdata|ecs|svcb|a?a?a?a_?(?:record|rr)",
            "edns|client_?subnet|(?:from|to)(?:text|wire|struct)_",
        ),
    ),
    Subject(
        REVERSED,
        named("rbl", "dns[bw]l|reverse_?(?:name|addr|dns|ip)|ptr_query"),
        (b".in-addr.arpa", b".ip6.arpa"),
    ),
    Subject(
        TOLD,
        named(anywhere="cgi_?(?:env|create|var)|prepenv|setenv_[a-z0-9_]{0,12}(?:addr|ip|sock)"),
        (b'"REMOTE_ADDR', b'"REMOTE_HOST', b"TCPREMOTEIP", b"SSH_CLIENT"),
    ),
    Subject(
        LISTED,
        named(
            "acls?|hba|cidr|access(?:_?(?:list|check|control|rule|ok))?|hosts?_?(?:access|allow|deny)"
            "|check_?(?:ip(?!_)|host(?:name)?|client|peer|access)|tcp_?wrap(?:pers?)?|libwrap|ruserok"
            "|ip_?cmp|[kdz]_?line|bans?|banned",
            "_masked|(?:addr|peer|ip)_?polic(?:y|ies)|^policies$"
            "|(?:match|check|filter|eval|in)_?(?:sub_?net|net_?mask|cidr)|(?:match|in)_?network"
            "|(?:sub_?net|net_?mask|netblock|cidr)_?(?:match|check|filter|eval)"
            "|(?:allow(?:ed)?|den(?:y|ied)|trusted)_?"
            "(?:from|host|ip|addr|list|net|sender|access|prox|peer|client)"
            "|(?:black|white|block)_?list|ip_?(?:match|filter|allow|ban|acl)|ip_access"
            "|host_?(?:ok|isok)|check_?range",
        ),
        (
            b"from unknown host",
            b"from unknown client",
            b"denied from",
            b"refused connect from",
            b"not allowed to connect",
        ),
        served=frozenset({MASKED, LOW_PORT}),
    ),
    Subject(
        COUNTED,
        named(
            anywhere="throttl|rate_?(?:limit|ctrl|control)|conn(?:ection)?_?limit|_per_?(?:ip|host)"
        ),
        served=frozenset({MASKED, LISTED}),
    ),
    Subject(
        LOCAL,
        named(
            "from_local|own_?(?:inet_?)?addrs?",
            "is_?[a-z0-9_]{0,8}?(?:private|local_?(?:host|ip|net)|own_addr|ours|_lan)|addrisours",
        ),
        served=frozenset({MASKED, LISTED}),
    ),
)

Mentions = Mapping[str, tuple[int, ...]]
"""By question: the lines that say what it is about."""


def mentions(data: bytes, subjects: Iterable[Subject]) -> Mentions:
    """What a file says of them."""
    said = {one.question: tuple(_lines(data, one.written)) for one in subjects}
    return {question: lines for question, lines in said.items() if lines}


def _lines(data: bytes, texts: tuple[bytes, ...]) -> Iterator[int]:
    """Where one of the texts stands."""
    for text in {quoted for one in texts for quoted in (one, one.replace(b'"', b"'"))}:
        line, before = 1, 0
        while (at := data.find(text, before)) >= 0:
            line += data.count(b"\n", before, at)
            yield line
            before = at + len(text)
