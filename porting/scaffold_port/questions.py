"""What a person is asked: one sentence, which ends with the question."""

RECEIVED = "it was received from a peer: may that be a service's name?"
CHECKED = "an address is checked and not used: may that be a service's name?"
RECORD = "the bytes may be a record's and not a socket's address: is a service's name wanted here?"
ANNOUNCED = "a message has the address in it: do those at its other end know services, too?"
MASKED = "it is compared under a mask, and services have no networks: should names be listed?"
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
