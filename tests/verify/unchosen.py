"""The programs that nobody chose for scaffold-port, in the versions that were read by hand."""

from pathlib import Path

from scaffold_port.fetch import debian, pypi

DEBIAN = {
    "tinyproxy": "1.11.1",
    "dropbear": "2022.83",
    "libuv1": "1.44.2",
    "c-ares": "1.18.1",
    "busybox": "1.35.0",
    "unbound": "1.17.1",
    "openvpn": "2.6.14",
    "ntpsec": "1.2.2+dfsg1",
    "squid": "5.7",
    "nmap": "7.93+dfsg1",
    "zeromq3": "4.3.4",
    "icecast2": "2.4.4",
    "knot": "3.2.6",
    "openssh": "9.2p1",
    "mpd": "0.23.12",
    "freeradius": "3.2.1+dfsg",
    "libevent": "2.1.12-stable",
}
PYPI = {"gunicorn": "27.0.1", "aiohttp": "3.14.5"}
PROGRAMS = DEBIAN | PYPI


def fetch(program: str, folder: Path) -> Path:
    """Its unpacked source."""
    module = debian if program in DEBIAN else pypi
    return module.fetch(program, folder, PROGRAMS[program])
