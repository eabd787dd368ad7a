"""What is about the network itself: its links, routes, leases and packets. Their addresses lead to
hosts, and none of them is a service's."""

from collections.abc import Iterable
from pathlib import PurePath

from .findings import Finding
from .subjects import NEAR, RULES, Subject, named

WHY = "addresses of links, routes and packets are no service's"
NETWORK = Subject(
    WHY,
    named(
        "v?lan|tun|tap|tuntap|arp|arping|rarp|ndisc?|ndp|radv|rtadv|radvd|slaac|igmp|mld|vrrp|lldp"
        "|routes?|routing|leases?|rtnl|if_?config|net_?config|bridge|nat64|clat|pcap|wg|xfrm|pf_?key",
        "dhcp|bootp|icmp|netlink|wireguard|iptables|ip6tables|nftables|conntrack|traceroute|sniff"
        "|dissect",
    ),
    (
        *(
            b"RTM_NEW",
            b"RTM_DEL",
            b"RTM_GET",
            b"NETLINK_ROUTE",
            b"struct ifaddrmsg",
            b"RTA_GATEWAY",
        ),
        *(b"SIOCSIFADDR", b"SIOCADDRT", b"TUNSETIFF", b"ARPOP_", b"ARPHRD_", b"ND_OPT_"),
        *(
            b"struct ip6_hdr",
            b"struct iphdr",
            b"struct ip_hdr",
            b"struct icmp",
            b"struct ether_arp",
        ),
        *(b"ip6_src", b"ip6_dst", b"->ip_src", b"->ip_dst", b".ip_src", b".ip_dst"),
        *(b"->saddr", b"->daddr", b"pcap_open", b"pcap_loop", b"pcap_next"),
    ),
)


def of_network(finding: Finding, path: PurePath, lines: Iterable[int]) -> str:
    """Why nobody is asked about an address there; empty: it may be a service's. `lines` are those
    of the file that say what NETWORK has written."""
    if finding.rule not in RULES or finding.path.endswith(".py"):
        return ""
    is_named = NETWORK.names(path.stem) or NETWORK.names(finding.function)
    is_near = any(abs(finding.line - line) < NEAR for line in lines)
    return WHY if is_named or is_near else ""
