"""What a person is asked before a text that is read as an address may be a service's name."""

RECEIVED = "it was received from a peer: may that be a service's name?"
CHECKED = "an address is checked and not used: may that be a service's name?"
