"""Whether anybody is asked about the findings of a file, whatever its rules ask."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath

from .findings import Finding
from .networks import NETWORK, of_network
from .once import about_subjects, in_functions
from .scope import beside, left_alone
from .subjects import Mentions


def asked(
    findings: Iterable[Finding], path: PurePath, language: str, said: Mentions, made_from: str
) -> Iterable[Finding]:
    """Those of one file, each with its question or with why nobody is asked. `path` is as seen from
    the program's top; what was made from a grammar of the run is asked about there, and what is
    beside the program has no subject."""
    of_file = f"made from {made_from}" if made_from else beside(path)
    settled = (_settled(finding, path, said, of_file) for finding in findings)
    once = in_functions(settled, language)
    return once if of_file else about_subjects(once, path, said)


def _settled(finding: Finding, path: PurePath, said: Mentions, of_file: str) -> Finding:
    """With the reason why it stays as it is, or why nobody is asked, where there is one."""
    left = left_alone(path, finding.ifdef)
    if left:
        return replace(finding, left=left)
    if not finding.question:
        return finding
    why = of_file or of_network(finding, path, said.get(NETWORK.question, ()))
    return _unasked(finding, why) if why else finding


def _unasked(finding: Finding, why: str) -> Finding:
    """What `rewrite` does there stays as it is."""
    return replace(finding, question="", left="" if finding.fix else why)
