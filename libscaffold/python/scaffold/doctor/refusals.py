"""Answers that differ from the kernel's and will: which, how, and why.

A refusal stands for one way of being different. Any other answer is a difference again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatch

ANY = "*"
"""Answers that are figures, and no two alike."""


@dataclass(frozen=True)
class Refusal:
    """Checks that are allowed to differ."""

    ids: tuple[str, ...]
    """Names of checks, or patterns."""
    answers: tuple[str, ...]
    """The answers under the shim, to the letter, or ANY."""
    why: str
    """What a program sees instead and what to do about it."""
    sometimes: bool = False
    """The answers may also be the same: it depends on who is quicker."""
    only: tuple[str, ...] = ()
    """Under --trap, on the plane local, or where both are."""


_PAST = "send and recv without an address go past the trap, as read and write do."

_NOT_AN_OPTION = "'ENOPROTOOPT', " * 6 + "'ENOPROTOOPT'"

REFUSALS: tuple[Refusal, ...] = (
    # --- connecting and listening ---
    Refusal(
        ("connect.wildcard_at_other_address.*",),
        ("('127.0.0.1', '127.3.2.1', '127.0.0.1')",),
        "A listener of 0.0.0.0 is reached at every address of 127/8; what it accepts shows"
        " 127.0.0.1 as its own"
        " address, since the kernel gives every accepted socket the listener's name.",
    ),
    Refusal(
        ("connect.to_itself.*",),
        ("'ECONNREFUSED'",),
        "A socket does not connect to itself: a service is reached through its listener, and"
        " there is none.",
    ),
    Refusal(
        ("connect.shut_down_while_going_on.*",),
        ("('ok', 'ENOTCONN', '0x201d')", "('ok', 'ENOTCONN', '0x2011')"),
        "After shutdown in the middle of a connect poll says that the socket is at its end, not"
        " that it is fresh."
        " The attempt is given up as in TCP.",
    ),
    Refusal(
        ("connect.refused_then_raw_write.*",),
        ("['EPIPE', 'ECONNRESET']",),
        "write and read, which the shim does not stand before, tell a refused non-blocking"
        " connect as EPIPE and"
        " ECONNRESET; SO_ERROR, send, recv and connect tell ECONNREFUSED.",
    ),
    Refusal(
        ("accept.shut_down.*",),
        ("('ok', 'EINVAL', 'ECONNREFUSED', '0x2001')",),
        "A listener that was shut down refuses and accepts no more, as in TCP; poll says that"
        " it is at its end, not"
        " that it is fresh. Use a new socket to listen again.",
    ),
    Refusal(
        ("bind.after_refusal.*",),
        ("'EINVAL'",),
        "A socket whose non-blocking connect was refused has a local address already: bind is"
        " EINVAL. It may connect again, or be bound before it connects.",
    ),
    # --- options ---
    Refusal(
        ("options.SO_SNDBUF.tcp4", "options.SO_RCVBUF.tcp4"),
        (
            "['ok', 20000, 'ok', 20000, 425984, 'ok', 20000, 425984, 'ok', 20000]",
            "['ok', 20000, 'ok', 20000, 212992, 'ok', 20000, 212992, 'ok', 20000]",
        ),
        "Buffers that nobody asked for have the sizes of AF_UNIX, not TCP's; what was asked for"
        " is reported as TCP"
        " reports it.",
    ),
    Refusal(
        ("ancillary.time_stamps.*",),
        ("(b'abc', [])",),
        "Reads from a stream bring no time stamps.",
    ),
    Refusal(
        ("options.SO_ZEROCOPY.tcp4",),
        ("['ok', 1, 'ENOTSUP', 1, 0, 'ENOTSUP', 0, 0, 'ENOTSUP', 0]",),
        "There is no MSG_ZEROCOPY: completions would never come. Programs fall back to copying.",
    ),
    Refusal(
        ("options.TCP_WINDOW_CLAMP.*",),
        ("['ok', 65536, 'ok', 65536, 0, 'ok', 65536, 0, 'ok', 65536]",),
        "TCP_WINDOW_CLAMP is reported as it was set, 0 before; the flow has windows of its own.",
    ),
    Refusal(
        ("options.TCP_CONGESTION.*",),
        ("['ok', b'reno', 'ok', b'reno', b'cubic', 'ok', b'reno', b'cubic', 'ok', b'reno']",),
        "TCP_CONGESTION of a flow whose program has not chosen is scaffoldd's default, whatever the"
        " kernel's is.",
    ),
    Refusal(
        ("options.TCP_MAXSEG.*",),
        ("['ok', 1000, 'ok', 1000, 1448, 'ok', 1000, 1448, 'ok', 1000]",),
        "TCP_MAXSEG is reported as it was set, 1,448 before; the flow finds the size of its"
        " packets itself.",
    ),
    Refusal(
        ("options.IP_TRANSPARENT.tcp4",),
        (f"['ok', 1, 'ENOTSUP', 1, {_NOT_AN_OPTION[15:]}]",),
        "A transparent proxy needs foreign addresses, which services do not have; the option is"
        " refused.",
    ),
    Refusal(
        ("options.before_*",),
        ("['ENOTSUP', 'ENOTSUP', 'EINVAL']", "['ENOTSUP', 'ENOTSUP', 'ENOTSUP']"),
        "What a service's socket cannot have, and was set before, is an error of connect, bind,"
        " listen and sendto: EOPNOTSUPP. scaffold_strerror and --explain name the option.",
    ),
    Refusal(
        ("options.encryption.*",),
        ("'ENOPROTOOPT'",),
        "TCP_ULP is refused whatever its name: a program that believes to have kernel TLS must"
        " not send plain text.",
    ),
    # --- datagrams ---
    Refusal(
        ("datagrams.largest.udp6",),
        ("'EMSGSIZE'",),
        "A datagram holds 65,507 bytes on IPv6 sockets, too: the 20 more that IPv6 has room for"
        " are EMSGSIZE.",
    ),
    Refusal(
        ("datagrams.refused_told_by_recv.*",),
        ("('0x5', 'ECONNREFUSED', 'EAGAIN')",),
        "poll announces a refusal as something to read, without POLLERR; the next call tells it.",
    ),
    Refusal(
        ("datagrams.refused_after_a_datagram.*",),
        ("[b'early', 'ECONNREFUSED', 'EAGAIN']",),
        "A refusal is told after the datagrams that came before it, not ahead of them; FIONREAD is"
        " 0 when it is next.",
    ),
    Refusal(
        ("datagrams.error_queue.*",),
        ("(b'', [(0, 11)], (111, 2, 3, 3, 0), True)",),
        "The error queue says what failed and whom it did not reach, without the bytes of the"
        " datagram.",
    ),
    Refusal(
        ("datagrams.multicast.*",),
        ("('ENOPROTOOPT', 1, 'TimeoutError')",),
        "Services have no multicast groups: joining one is refused. A socket for a group stays"
        " plain IP when it is bound to the group's address.",
    ),
    Refusal(
        ("options.SO_ZEROCOPY.udp4",),
        ("['ok', 1, 0, 'ENOTSUP', 0, 0, 'ENOTSUP', 0]",),
        "There is no MSG_ZEROCOPY for datagrams: completions would never come.",
    ),
    Refusal(
        ("options.IP_TRANSPARENT.udp4",),
        (f"['ok', 1, {_NOT_AN_OPTION[15:]}]",),
        "Datagrams have no foreign source addresses either; the option is refused.",
    ),
    # --- readiness ---
    Refusal(
        ("poll.edges_while_the_peer_reads.*",),
        (ANY,),
        "Registered for both directions and edges, a program may be woken for room that it had"
        " anyway, when the"
        " bytes are taken from its queue; epoll allows that.",
        sometimes=True,
    ),
    Refusal(
        ("poll.registered_before_connect.*",),
        ("('EINPROGRESS', ['0x4'], [4], [True])",),
        "The opening of a flow may be told by two edges instead of one; epoll allows that.",
        sometimes=True,
    ),
    Refusal(
        ("poll.low_water_mark.*",),
        ("['0x1', '0x1', b'abcd']",),
        "SO_RCVLOWAT bounds recv, but poll says readable from the first byte on.",
    ),
    Refusal(
        ("poll.right_after_send.*", "poll.right_after_close.*"),
        (ANY,),
        "Bytes and ends reach the other end through scaffoldd, a few microseconds after send or"
        " close has returned,"
        " so that a poll in between may not see them yet.",
        sometimes=True,
    ),
    Refusal(
        ("urgent.alone.*",),
        ("('0x7', b'!', 'EAGAIN', '0x4')",),
        "A socket that has nothing but an urgent byte polls as readable, too; recv then says"
        " EAGAIN, as in TCP.",
    ),
    # --- bytes and ends ---
    Refusal(
        ("end.shut_down_without_peer.*",),
        ("('ENOTCONN', '0x14')",),
        "shutdown of a socket that was bound and never connected fails as in TCP, and changes"
        " nothing; TCP's socket is at its end afterwards.",
    ),
    Refusal(
        ("urgent.unread_at_close.*",),
        ("('0x2015', b'')",),
        "A peer that closes with nothing but an urgent byte unread is seen as an end, not as a"
        " reset.",
    ),
    Refusal(
        (
            "buffers.small_ones_hold_little.*",
            "buffers.reduced_later.*",
            "buffers.closed_while_sending.*",
        ),
        ("(False, False)", "False", "(True, False)"),
        "SO_SNDBUF and SO_RCVBUF are reported and do not bound what is on its way: some hundred"
        " KiB more are taken"
        " than was asked for.",
        sometimes=True,
    ),
    Refusal(
        ("data.unconnected_write.*",),
        ("[(('EPIPE', 'ENOTCONN'), 1), (('ENOTCONN', 'EINVAL'), 0), (('ENOTCONN', 'EINVAL'), 0)]",),
        "write and read on a bound, unconnected socket are ENOTCONN and EINVAL; send and recv"
        " are as in TCP.",
    ),
    Refusal(
        ("data.one_byte_writes_without_reader.*",),
        (ANY,),
        "Each write is charged several hundred bytes of the buffer: some hundred writes of one"
        " byte fill it when"
        " scaffoldd does not get to run. Then the writer waits, or sees EAGAIN.",
        sometimes=True,
    ),
    Refusal(
        ("end.write_after_close.*",),
        ("(1, 'EPIPE', 'ECONNRESET', 1)",),
        "An end that was not read, then a write that draws a reset: read says ECONNRESET where"
        " TCP says the end.",
    ),
    Refusal(
        ("end.read_after_shut_rd.*",),
        ("(b'', False, b'', b'')",),
        "What arrives after shutdown(SHUT_RD) is thrown away; in Linux's TCP it can still be read.",
    ),
    Refusal(
        ("abort.write.*", "abort.writev.*", "abort.sendfile.*", "abort.splice.*"),
        ("('EPIPE', 'EPIPE', [1, 2])",),
        "write, writev, sendfile and splice after a reset are EPIPE with SIGPIPE at once; send,"
        " sendto and sendmsg say"
        " ECONNRESET first, as in TCP.",
    ),
    # --- descriptors ---
    Refusal(
        ("descriptors.at_the_limit.*",),
        ("('ENOBUFS', 'ok')",),
        "connect needs two descriptors for a moment: at the limit it is ENOBUFS, and the socket"
        " as before.",
    ),
    Refusal(
        ("inherit.connected_in_child.*",),
        ("SIGPIPE",),
        "A socket that was made here and connected by a child is connected in the child alone.",
    ),
    Refusal(
        ("plane.listed.*",),
        ("[False, False]",),
        "Flows are not in /proc/net/tcp or udp nor in ss -tu: `scaffold status` lists them, and"
        " ss -x their sockets.",
    ),
    # --- of the local plane ---
    Refusal(
        (
            "abort.by_linger.*",
            "abort.by_linger_at_exit.*",
            "abort.so_error_tells.*",
            "abort.read.*",
            "abort.read_by_another_program.*",
            "abort.blocked_reader.*",
            "abort.blocked_writer.*",
            "accept.reset_before_accept.*",
            "connect.reset_before_so_error.*",
            "poll.reset.*",
            "poll.edge_at_end.*",
        ),
        ("'SO_LINGER: ENOTSUP'",),
        "A flow that is open cannot be made to end with a reset: SO_LINGER of 0 s is EOPNOTSUPP,"
        " for its close would read as a clean end. Set before connect, or on the listener, it takes"
        " the flow to the user plane, where it works. A peer that closes with bytes unread resets,"
        " as in TCP.",
        only=("local",),
    ),
    Refusal(
        ("options.SO_LINGER.tcp4",),
        ("['ok', b'\\x01', 'ok', b'\\x01', b'', 'ENOTSUP', b'', b'', 'ENOTSUP', b'']",),
        "SO_LINGER of 0 s is refused on a flow that is open, and taken before.",
        only=("local",),
    ),
    Refusal(
        ("connect.disconnected.*", "connect.disconnected_peer.*"),
        ("('ENOTSUP', False, 'EISCONN', False)", "('ENOTSUP', '0x4', 'EAGAIN')"),
        "connect to AF_UNSPEC would reset the flow, and is EOPNOTSUPP while the peer is there.",
        only=("local",),
    ),
    Refusal(
        (
            "accept.end_seen_by_accepted.*",
            "descriptors.duplicated_when_open.*",
            "descriptors.replaced.*",
            "end.end_behind_much.*",
            "inherit.accepted_by_child_read_by_parent.*",
            "poll.data_and_end.*",
        ),
        (
            "('0x2015', b'')",
            "(('0x5', b'still there'), '0x2015')",
            "(True, '0x2010', b'')",
            "(0, (b'hello', True), '0x2015', b'')",
            "['0x2015', '0x2015']",
        ),
        "A peer that has closed, not only shut its writing down, is seen at once: poll says"
        " POLLHUP with the end, and with bytes before it. Read until the end, as with pipes.",
        only=("local",),
    ),
    Refusal(
        ("abort.shutdown.*",),
        ("['ok', 'ENOTCONN']",),
        f"{_PAST} A reset that was read there is not known to shutdown.",
        only=("local", "trap"),
    ),
    Refusal(
        (
            "end.send_after_close.*",
            "end.send_after_close_read.*",
            "end.write_after_close.*",
            "end.peer_reads_no_more.*",
            "end.read_after_shut_rd.*",
        ),
        (
            "('EPIPE', 'EPIPE', b'', 2)",
            "(b'', 'EPIPE', b'', 'EPIPE', 2, '0x2015')",
            "SIGPIPE",
        ),
        f"{_PAST} To a peer that has closed, or reads no more, the first of them is EPIPE with"
        " SIGPIPE.",
        only=("local", "trap"),
    ),
    # --- under --trap ---
    Refusal(
        ("abort.send.*", "abort.blocked_writer.*"),
        ("('EPIPE', 'EPIPE', [1, 2])", "['EPIPE']"),
        f"{_PAST} After a reset they say EPIPE with SIGPIPE at once.",
        only=("trap",),
    ),
    Refusal(
        ("end.send_after_close.*", "end.send_after_close_read.*"),
        ("(1, 'EPIPE', 'ECONNRESET', 1)", "(b'', 1, 'ECONNRESET', 'EPIPE', 1, '0x2015')"),
        f"{_PAST} After a send that drew a reset recv says ECONNRESET where TCP says the end.",
        only=("trap",),
    ),
    Refusal(
        ("connect.refused_told_by_recv.*", "connect.refused_told_by_send.*"),
        ("('ECONNRESET', '0', b'')", "('EPIPE', 'EPIPE', 'ECONNREFUSED')"),
        f"{_PAST} They tell a refused non-blocking connect as EPIPE and ECONNRESET; SO_ERROR and"
        " connect tell ECONNREFUSED.",
        only=("trap",),
    ),
    Refusal(
        ("connect.going_on_calls.*",),
        ("((1, 'EAGAIN', 'EALREADY'), 'nothing', '0')",),
        f"{_PAST} What is sent while a non-blocking connect goes on waits in the socket; TCP says"
        " EAGAIN.",
        only=("trap",),
    ),
    Refusal(
        ("data.unconnected.*",),
        (
            "[(('EPIPE', 'ENOTCONN', 'ENOTCONN'), 1), (('ENOTCONN', 'EINVAL', 'ENOTCONN'), 0),"
            " (('ENOTCONN', 'EINVAL', 'ok'), 0)]",
        ),
        f"{_PAST} On a bound, unconnected socket they are ENOTCONN and EINVAL.",
        only=("trap",),
    ),
    Refusal(
        ("datagrams.largest.udp6",),
        ("(65527, 'TimeoutError', 'EMSGSIZE', 'EMSGSIZE')",),
        f"{_PAST} A datagram of more than 65,507 bytes on an IPv6 socket is lost, where sendto"
        " says EMSGSIZE.",
        only=("trap",),
    ),
    Refusal(
        ("datagrams.refused_after_a_datagram.*",),
        ("[b'early', 'EAGAIN', 'EAGAIN']",),
        "That a program has closed a datagram socket is known some microseconds later: what is"
        " sent in between, past the trap, is lost without a refusal.",
        sometimes=True,
        only=("trap",),
    ),
    Refusal(
        ("datagrams.come_together.*",),
        (
            "([(1000, True, [], <MsgFlag: 0>), (1000, False, [], <MsgFlag: 0>)],"
            " [500, 1000, 1000, 1000, 500])",
        ),
        "With UDP_GRO datagrams come one by one, as without: each comes by itself to the socket on"
        " loopback.",
        only=("trap",),
    ),
    Refusal(
        ("datagrams.type_of_service.*",),
        ("[(0, 1, b'\\x00'), (0, 2, b'@')]",),
        "TTL and type of service of a datagram are those of the socket on loopback that stands for"
        " its sender.",
        only=("trap",),
    ),
)

BESIDES: tuple[tuple[str, str], ...] = (
    (
        "io_uring's accept",
        "It is the kernel's own, round libc: the peer's address that it gives is one of AF_UNIX,"
        " and a flow that was reset before it was accepted reads as ended, until its acceptor has"
        " sent something. Ask getpeername for the address, or take the listener from io_uring:"
        " poll it there, and call accept.",
    ),
    (
        "dnsmasq over TCP",
        "It closes connections whose own address is on none of the host's interfaces, and a"
        " service's is on none. With --bind-interfaces --except-interface=lo"
        " --listen-address=ADDRESS, one of the host's own, it does not look. Over UDP it needs"
        " nothing.",
    ),
)
"""What programs meet that no check of two sockets can show."""


def refusal_of(id: str, answer: str, special: Collection[str] = ()) -> Refusal | None:
    """The refusal that covers this answer of a check; `special`: what the answer was got with."""
    for refusal in REFUSALS:
        if not set(refusal.only) <= set(special):
            continue
        if any(fnmatch(id, one) for one in refusal.ids) and (
            answer in refusal.answers or ANY in refusal.answers
        ):
            return refusal
    return None
