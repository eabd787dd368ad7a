"""The report for code-scanning tools: SARIF 2.1.0 (OASIS, 2020)."""

import json
import os
from typing import Any
from urllib.parse import quote

from ..findings import Finding, Report
from ..kinds import KINDS, kind
from ..rules import RULES

_LEVELS = {"decide": "warning", "automatic": "note", "context": "none", "suppressed": "none"}
_RANK = {"high": 90.0, "medium": 60.0, "low": 30.0}
"""How soon to look at what has the same level (SARIF 2.1.0, 3.27.25)."""


def render(report: Report) -> str:
    """One run."""
    run = {
        "tool": {"driver": _driver()},
        "columnKind": "utf16CodeUnits",
        "results": [_result(one) for one in report.findings],
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {
                        "level": "warning",
                        "message": {"text": f"not analysed: {one.reason}"},
                        "locations": [_location(one.path, max(one.line, 1))],
                    }
                    for one in report.not_analysed
                ],
            }
        ],
    }
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(document, indent=1) + "\n"


def _driver() -> dict[str, Any]:
    return {
        "name": "scaffold-port",
        "rules": [
            {
                "id": rule.id,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.explanation},
                "properties": {"kind": rule.kind, "tags": [kind(rule.kind).name]},
            }
            for rule in RULES
        ],
        "taxa": [
            {"id": str(one.number), "name": one.name, "shortDescription": {"text": one.title}}
            for one in KINDS
        ],
    }


def _uri(path: str) -> str:
    return quote(os.fsencode(path))


def _location(path: str, line: int, **region: int) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(path)},
            "region": {"startLine": line, **region},
        }
    }


def _result(one: Finding) -> dict[str, Any]:
    start, end = one.utf16
    region = {"startColumn": start, "endColumn": end}
    location = _location(one.path, one.line, **region)
    if one.function:
        location["logicalLocations"] = [{"name": one.function, "kind": "function"}]
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "level": _LEVELS[one.group],
        "rank": _RANK[one.confidence],
        "message": {"text": one.question or one.message},
        "locations": [location],
        "properties": {
            "group": one.group,
            "ifdef": list(one.ifdef),
            "kind": one.kind,
            "lines": one.lines,
        },
    }
    if one.rewritten and one.fix != one.call:
        result["fixes"] = [
            {
                "description": {"text": f"call {one.fix}"},
                "artifactChanges": [
                    {
                        "artifactLocation": {"uri": _uri(one.path)},
                        "replacements": [
                            {
                                "deletedRegion": {"startLine": one.line, **region},
                                "insertedContent": {"text": one.fix},
                            }
                        ],
                    }
                ],
            }
        ]
    if one.suppressed:
        result["suppressions"] = [{"kind": "inSource", "justification": one.suppressed}]
    return result
