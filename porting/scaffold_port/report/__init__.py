"""The report in its formats: each module has `render(report) -> str`."""

from collections.abc import Callable

from ..findings import Report
from . import html, json, markdown, sarif, text

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": text.render,
    "json": json.render,
    "sarif": sarif.render,
    "markdown": markdown.render,
    "html": html.render,
}
