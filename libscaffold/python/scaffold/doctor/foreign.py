"""Tests of other projects' suites that differ from their native run: which, and why. `make verify`
holds the suites to it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Foreign:
    """Tests that differ for one reason."""

    suite: str
    tests: tuple[str, ...]
    why: str
    """What a program sees instead, and what to do about it."""
    sometimes: bool = False
    """They may also be the same: it depends on who is quicker."""


FOREIGN: tuple[Foreign, ...] = (
    Foreign(
        "libuv",
        ("emfile",),
        "connect needs two descriptors for a moment, and one is left: it is ENOBUFS.",
    ),
    Foreign(
        "libuv",
        ("udp_send_unreachable",),
        "That nobody is there is known some microseconds after sendto, as of another host, and not"
        " before it returns: recv tells it, where a second sendto would have.",
        sometimes=True,
    ),
)
