"""What a file is about: it is asked once, and what is context there says so."""

from pathlib import Path

import pytest

from scaffold_port.analyze import analyze
from scaffold_port.findings import Finding
from scaffold_port.questions import (
    ANNOUNCED,
    BACK,
    COUNTED,
    LISTED,
    LOCAL,
    MASKED,
    RECORD,
    REVERSED,
    TOLD,
    carried,
)

PORT = "void {}(struct peer *p) {{ p->sin.sin_port = htons(port); }}\n"


def findings(tmp_path: Path, name: str, text: str) -> list[Finding]:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    return analyze([tmp_path], jobs=1).findings


def asked(found: list[Finding]) -> list[str]:
    return [one.question for one in found if one.group == "decide"]


@pytest.mark.parametrize(
    ("question", "function"),
    [
        (carried("PROXY's header"), "put_proxy_header"),
        (carried("PROXY's header"), "readProxyProtocol"),
        (carried("`Forwarded` or its like"), "smtpd_xclient_cmd"),
        (carried("SOCKS"), "socks5_send"),
        (carried("FTP"), "core_eprt"),
        (carried("a milter's protocol"), "milter8_conn_event"),
        (BACK, "ident_query"),
        (carried("talk"), "talkd_run"),
        (carried("dnstap"), "dnstap_write"),
        (carried("SIP or SDP"), "put_sdp"),
        (carried("DCC"), "dcc_listen"),
        (carried("Kerberos"), "sockaddr_to_kaddr"),
        (carried("Kerberos"), "get_krb5_target"),
        (carried("RADIUS"), "add_framed_ip"),
        (carried("SNMP"), "send_snmp_trap"),
        (carried("what opens ports of a router"), "natpmp_request"),
        (carried("STUN or TURN"), "put_xor_mapped_address"),
        (carried("a packet that is put together"), "send_spoofed"),
        (carried("an exchange of peers"), "tracker_announce"),
        (carried("RPC"), "pmap_getport"),
        (carried("what is written there"), "serialize_address"),
        (RECORD, "totext_in_aaaa"),
        (REVERSED, "dnsbl_ask"),
        (TOLD, "cgi_create_env"),
        (LISTED, "acl_match"),
        (LISTED, "is_allowed_host"),
        (LISTED, "compare_addr_policy"),
        (LISTED, "addr_compare_masked"),
        (COUNTED, "throttle_peer"),
        (LOCAL, "caller_is_localhost"),
        ("", "open_sockets"),
        ("", "init_socks"),
        ("", "isc_sockaddr_totext"),
        ("", "stunnel_init"),
        ("", "return_port"),
        ("", "ipvs_talk"),
        ("", "is_linklocal_addr"),
        (BACK, "getauthinfo"),
        (LISTED, "peer_ip_cmp"),
    ],
)
def test_a_function_names_a_subject(question: str, function: str, tmp_path: Path) -> None:
    assert asked(findings(tmp_path, "a.c", PORT.format(function))) == [question] * bool(question)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (carried("PROXY's header"), "PROXY TCP4 %s"),
        (carried("PROXY's header"), "PROXY_AF_INET6"),
        (carried("`Forwarded` or its like"), "X-Forwarded-For"),
        (carried("FTP"), "EPRT |1|%s|"),
        (carried("SIP or SDP"), "Contact: <sip:%s>"),
        (carried("DCC"), "DCC SEND %s"),
        (carried("SSDP"), "LOCATION: http://%s/"),
        (carried("RADIUS"), "NAS-IP-Address"),
        (carried("what opens ports of a router"), "AddPortMapping"),
        (carried("RPC"), ",clientaddr=%s"),
        (REVERSED, "%d.%d.%d.%d.in-addr.arpa"),
        (TOLD, "REMOTE_ADDR"),
        ("", "use a SOCKS5 proxy"),
        ("", "PORT of the server"),
    ],
)
def test_a_text_tells_a_subject(question: str, text: str, tmp_path: Path) -> None:
    """In a function beside the one that has the address."""
    source = PORT.format("put") + f'const char *format(void) {{ return "{text}"; }}\n'
    assert asked(findings(tmp_path, "a.c", source)) == [question] * bool(question)


def test_what_is_far_away_is_no_text_of_it(tmp_path: Path) -> None:
    source = PORT.format("put") + "\n" * 99 + 'const char *format = "X-Forwarded-For";\n'
    assert asked(findings(tmp_path, "a.c", source)) == []


@pytest.mark.parametrize(
    ("name", "count"),
    [("haproxy.c", 1), ("access.c", 1), ("socks.c", 1), ("docs/socks.c", 0), ("tests/acl.c", 0)],
)
def test_a_file_names_a_subject(name: str, count: int, tmp_path: Path) -> None:
    assert len(asked(findings(tmp_path, name, PORT.format("put")))) == count


def test_a_file_is_asked_once(tmp_path: Path) -> None:
    """At the function that says most; what is context refers to it."""
    cast = "void copy(void *p) { use((struct sockaddr_in *)p); }\n"
    source = cast + PORT.format("put") + PORT.format("socks5_put") + PORT.format("socks5_take")
    found = findings(tmp_path, "a.c", source)
    assert asked(found) == [carried("SOCKS")]
    assert {one.left for one in found if one.group == "context"} == {"the question of line 3"}
    assert {one.line for one in found if one.left} == {1, 2, 3, 4}


def test_a_question_about_a_function_serves(tmp_path: Path) -> None:
    mask = "int in_net(struct peer *p) { return (p->sin.sin_addr.s_addr & mask) == net; }\n"
    found = findings(tmp_path, "access.c", PORT.format("put") + mask)
    assert asked(found) == [MASKED]
    assert {one.left for one in found if one.group == "context"} == {"the question of line 2"}


def test_what_is_local_is_no_matter_of_the_whole_file(tmp_path: Path) -> None:
    found = findings(tmp_path, "a.c", PORT.format("put") + PORT.format("is_localhost"))
    assert asked(found) == [LOCAL]
    assert {one.left for one in found if one.line == 1} == {""}


def test_a_file_may_have_two_subjects(tmp_path: Path) -> None:
    found = findings(tmp_path, "a.c", PORT.format("socks5_put") + PORT.format("send_dcc"))
    assert sorted(asked(found)) == [carried("DCC"), carried("SOCKS")]


def test_what_is_asked_about_is_renamed_all_the_same(tmp_path: Path) -> None:
    source = "int cgi_env(int s) { return getpeername(s, address, &size); }\n"
    [finding] = findings(tmp_path, "cgi_env.c", source)
    assert (finding.question, finding.group, finding.rewritten) == (TOLD, "decide", True)
    assert finding.confidence == "medium"


def test_a_header_that_declares_is_not_asked(tmp_path: Path) -> None:
    source = "int socks5_connect(int, struct sockaddr_in *);\n"
    assert asked(findings(tmp_path, "socks5.h", source)) == []


def test_python_has_subjects_too(tmp_path: Path) -> None:
    source = (
        "import socket\n\ndef cgi_env():\n    s = socket.create_connection(('a', 1))\n"
        "    return {'REMOTE_ADDR': s.getpeername(), 'SERVER_ADDR': s.getsockname()}\n"
    )
    assert asked(findings(tmp_path, "a.py", source)) == [TOLD]


def test_a_message_by_its_numbers_is_one_of_the_file(tmp_path: Path) -> None:
    answer = 'void f(int s) { getsockname(s, a, &n); reply("(%d,%d,%d,%d,%d,%d)", 1, 2); }\n'
    found = findings(tmp_path, "a.c", PORT.format("put") + answer)
    assert asked(found) == [ANNOUNCED]
    assert {one.left for one in found if one.line == 1} == {"the question of line 2"}


def test_a_tool_that_connects_has_no_list(tmp_path: Path) -> None:
    assert asked(findings(tmp_path, "whitelist.c", PORT.format("make_connection"))) == []
    assert asked(findings(tmp_path, "whitelist.c", PORT.format("look_up"))) == [LISTED]
