"""The report for programs: docs/schemas/analyze.schema.json."""

import json

from ..findings import Report


def render(report: Report) -> str:
    """One document."""
    return json.dumps(report.to_json(), indent=1) + "\n"
