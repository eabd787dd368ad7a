"""Findings that somebody has looked at: comments in the source, and a baseline file.

A comment `scaffold-port: ignore RULE reason` (several rules with commas, or `all`) covers its own
line and the next one. A baseline lists findings by what they are, not by their line numbers.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from .findings import Finding

_COMMENT = re.compile(r"scaffold-port:\s*ignore\s+([\w,-]+)\s*([^*\n]*)")


def comments(data: bytes) -> dict[int, tuple[frozenset[str], str]]:
    """By line: the rules that a comment there suppresses, and why."""
    if b"scaffold-port:" not in data:
        return {}
    found = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        match = _COMMENT.search(line)
        if match:
            reason = match[2].strip() or "a comment says so"
            found[number] = (frozenset(match[1].split(",")), reason)
    return found


def by_comment(finding: Finding, notes: dict[int, tuple[frozenset[str], str]]) -> Finding:
    """The finding, suppressed if a comment on its line or the one before says so."""
    for line in (finding.line, finding.line - 1):
        rules, reason = notes.get(line, (frozenset[str](), ""))
        if finding.rule in rules or "all" in rules:
            return replace(finding, suppressed=reason)
    return finding


def _key(finding: Finding, root: Path) -> str:
    path = Path(finding.path)
    place = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    text = " ".join(finding.text.split())
    raw = "\0".join((finding.rule, place, finding.function, finding.call, text))
    return hashlib.sha256(raw.encode()).hexdigest()[:20]


def write_baseline(findings: Iterable[Finding], path: Path) -> int:
    """Every finding that is active now; returns how many."""
    root = path.resolve().parent
    keys: dict[str, int] = {}
    for finding in findings:
        if not finding.suppressed:
            key = _key(finding, root)
            keys[key] = keys.get(key, 0) + 1
    document = {"schema": 1, "findings": dict(sorted(keys.items()))}
    path.write_text(json.dumps(document, indent=1) + "\n")
    return sum(keys.values())


def read_baseline(path: Path) -> dict[str, int]:
    """How often it has each finding; ValueError when it is none."""
    document = json.loads(path.read_bytes())
    findings = document.get("findings") if isinstance(document, dict) else None
    if not isinstance(findings, dict) or document.get("schema") != 1:
        raise ValueError("`schema` is not 1, or there are no `findings`")
    if not all(isinstance(count, int) for count in findings.values()):
        raise ValueError("`findings` are not numbers")
    return findings


def apply_baseline(findings: list[Finding], left: dict[str, int], path: Path) -> list[Finding]:
    """The findings, those `left` in the baseline at `path` suppressed; as often as it has them."""
    left = dict(left)
    root = path.resolve().parent
    result = []
    for finding in findings:
        key = _key(finding, root)
        if not finding.suppressed and left.get(key, 0) > 0:
            left[key] -= 1
            result.append(replace(finding, suppressed="in the baseline"))
        else:
            result.append(finding)
    return result
