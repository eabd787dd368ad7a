"""Do programs see on services what they see on IP? One table of checks, each run natively and under
the shim on the same kernel, and compared.

    kinds      what sockets there are: TCP and UDP over IPv4, IPv6 and IPv4 mapped into IPv6
    verbs      what checks are written with: calls, their errno, waiting for events
    table      the checks, by name; their texts are in `checks/`, one subject per file
    rows       what a check is evidence for: one row per known difference of the models
    refusals   answers that differ and will: which ones, how, and why
    foreign    tests of other projects that differ, and why
    ask        the child process that answers checks, natively or under the shim
    compare    both children, and the verdicts
    machine    what kernel and environment offer
"""

from .compare import Result, chosen, document, examine
from .machine import Fact, facts

__all__ = ["Fact", "Result", "chosen", "document", "examine", "facts"]
