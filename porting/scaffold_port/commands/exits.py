"""The exit codes of `analyze` and `rewrite`; of several that apply, the highest."""

from ..findings import Report

DONE = 0
FOUND = 1
"""What --fail-on asks for; of `rewrite`: something is left to a human, or would change."""
USAGE = 2
"""Click's own."""
NOT_ANALYSED = 4
"""Some of what was given was not looked at, so that neither of the others is the whole truth."""


def of(report: Report, *, found: bool) -> int:
    """For a report in which what was asked for is `found`, or is not."""
    if report.not_analysed:
        return NOT_ANALYSED
    return FOUND if found else DONE
