"""The portability table in its formats: each is a function of the rows."""

from collections.abc import Callable

from .html import html
from .rows import Row
from .text import csv, json, markdown, text

FORMATS: dict[str, Callable[[list[Row]], str]] = {
    "text": text,
    "markdown": markdown,
    "csv": csv,
    "json": json,
    "html": html,
}
