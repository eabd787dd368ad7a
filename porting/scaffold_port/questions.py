"""What a person is asked: one sentence, which ends with the question."""

RECEIVED = "it was received from a peer: may that be a service's name?"
CHECKED = "an address is checked and not used: may that be a service's name?"
RECORD = "the bytes may be a record's and not a socket's address: is a service's name wanted here?"
ANNOUNCED = "a message has the address in it: do those at its other end know services, too?"
MASKED = "it is compared under a mask, and services have no networks: should names be listed?"
LISTED = "addresses say who is let in, and services have no networks: should names be listed?"
LOCAL = "it is told by an address what is local or this host's: is a service's what it should be?"
COUNTED = "peers are counted by their addresses: which does a service's peer have?"
BACK = "it connects to a port beside the peer's: is anybody there where the peer is a service's?"
TOLD = "another program is told the address: does it know services, too?"
REVERSED = "DNS is asked about an address's numbers: what is it to say of a service's?"
SANDBOXED = "a sandbox allows these system calls alone: does it allow those of libscaffold, too?"
LOW_PORT = "a low port counts as proof of a privileged peer: does it of a service's?"


def without(what: str) -> str:
    """Whether a program can do without what a service's socket refuses."""
    return f"a service's socket refuses {what}, and so its connection: may it go without?"


def elsewhere(what: str) -> str:
    """About what opens, serves or resolves in a way that no name replaces."""
    return f"{what}: must it reach or be a service?"


def unclear(what: str) -> str:
    """About a name that may be replaced, if it is what it seems."""
    return f"{what}: must it know services?"


def carried(what: str) -> str:
    """About messages that have addresses in them."""
    return f"{what} carries addresses: do those at both of its ends know services, too?"
