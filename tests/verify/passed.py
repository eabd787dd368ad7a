"""Which tests of another project's suite have passed, as it prints them."""

import re
from collections import Counter

_PASSED = re.compile(
    r"""^(?:
        PASS:\ (?P<automake>\S+)
        | \[\ +OK\ \]\ (?P<gtest>\S+)
        | ok\ \d+\ -\ (?P<tap>\S+)
        | (?P<pytest>\S+::.+?)\ (?:PASSED|XFAIL)\b.*
        | (?P<tinytest>[\w.]\S*?):?\ +(?:\[forking\]\ )?OK\b
        | (?P<words>\w.+?)\.\.\.\ ?ok\b.*
    )""",
    re.MULTILINE | re.VERBOSE,
)
"""One line of each kind of suite; `words` is a shell script's."""


def passed(output: str) -> Counter[str]:
    """How often each test has passed."""
    return Counter(match[match.lastgroup or 0] for match in _PASSED.finditer(output))
