"""client/options/table.c has a verdict on every socket option that the kernel's headers know."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLE = (ROOT / "libscaffold/client/options/table.c").read_text()
HEADERS = {
    "asm-generic/socket.h": "SO",
    "linux/in.h": "IP|MCAST",
    "linux/in6.h": "IPV6",
    "linux/tcp.h": "TCP",
    "linux/udp.h": "UDP",
}
LEVELS = {
    "SO": "SOL_SOCKET",
    "IP": "IPPROTO_IP",
    "MCAST": "IPPROTO_IP",
    "IPV6": "IPPROTO_IPV6",
    "TCP": "IPPROTO_TCP",
    "UDP": "IPPROTO_UDP",
}

# Names of the same form that are values, flags or sizes; and a number that no option has.
NO_OPTIONS = re.compile(
    r"TCP_(MSS_\w+|REPAIR_(ON|OFF\w*)|MD5SIG_(MAXKEYLEN|FLAG_\w+)|AO_(MAXKEYLEN|KEYF_\w+)|\w+_HINT)"
    r"|IPV?6?_PMTUDISC_\w+|IP_DEFAULT_\w+|MCAST_(EXCLUDE|INCLUDE)|UDP_ENCAP_\w+"
    r"|IPV6_(FL|TLV|PRIORITY|PREFER_SRC|FLOWINFO)_(?!SEND)\w+|IPV6_USE_MIN_MTU"
)

# Those since the headers of Debian 12 (Linux 6.1), up to Linux 6.18.
NEWER = [
    "SO_PASSPIDFD",
    "76",
    "SO_PEERPIDFD",
    "77",
    "SO_DEVMEM_LINEAR",
    "78",
    "SO_DEVMEM_DMABUF",
    "79",
    "SO_DEVMEM_DONTNEED",
    "80",
    "SO_RCVPRIORITY",
    "82",
    "SO_PASSRIGHTS",
    "83",
    "SO_INQ",
    "84",
    "TCP_AO_ADD_KEY",
    "38",
    "TCP_AO_DEL_KEY",
    "39",
    "TCP_AO_INFO",
    "40",
    "TCP_AO_GET_KEYS",
    "41",
    "TCP_AO_REPAIR",
    "42",
    "TCP_IS_MPTCP",
    "43",
    "TCP_RTO_MAX_MS",
    "44",
    "TCP_RTO_MIN_US",
    "45",
    "TCP_DELACK_MAX_US",
    "46",
    "IP_LOCAL_PORT_RANGE",
    "51",
    "IP_PROTOCOL",
    "52",
]


def known() -> dict[str, int]:
    """Every option, by name, with its number."""
    found = dict(zip(NEWER[::2], map(int, NEWER[1::2]), strict=True))
    for header, prefixes in HEADERS.items():
        text = (Path("/usr/include") / header).read_text()
        for name, number in re.findall(rf"#define\s+((?:{prefixes})_\w+)\s+(\d+)\b", text):
            if not NO_OPTIONS.fullmatch(name):
                found[name] = int(number)
    return found


def rows() -> dict[str, str]:
    """Every row's name, with its level."""
    text = TABLE.replace("NEW_", "")
    made = re.findall(r"^    [A-Z]+\((\w+), ([A-Z]\w+)", text, re.MULTILINE)
    return {name: level for level, name in made}


def test_every_option_of_the_headers_has_a_verdict() -> None:
    missing = sorted(known().keys() - rows().keys())
    assert missing == [], "decide what becomes of them on a service's socket: options/table.c"


def test_every_row_is_an_option() -> None:
    assert sorted(rows().keys() - known().keys()) == []
    assert all(level == LEVELS[name.split("_")[0]] for name, level in rows().items())


def test_the_numbers_that_are_written_out_are_the_kernels() -> None:
    written = re.findall(r"^    NEW_(\w+) = (\d+),", TABLE, re.MULTILINE)
    assert written
    assert {name: int(number) for name, number in written}.items() <= known().items()


def test_a_new_option_would_be_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above sees names that nobody has thought of."""
    monkeypatch.setattr(f"{__name__}.TABLE", TABLE.replace("TCP_MD5SIG_EXT", "TCP_NODELAY"))
    with pytest.raises(AssertionError, match="TCP_MD5SIG_EXT"):
        test_every_option_of_the_headers_has_a_verdict()
