"""What a condition of the preprocessor says when only some macros are known."""

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"defined\b|[A-Za-z_]\w*|\d\w*|&&|\|\||[!=<>]=|[()!<>]|\S")


def truth(text: str, known: Mapping[str, bool]) -> bool | None:
    """The value of `text`; None where it depends on anything that is not `known`."""
    try:
        return _Reader(_TOKEN.findall(text), known).whole()
    except (IndexError, RecursionError):  # cut off, or no expression that people write
        return None


class _Reader:
    """Recursive descent over C11 6.10.1, with a third value for what is unknown."""

    def __init__(self, tokens: list[str], known: Mapping[str, bool]) -> None:
        self._tokens = tokens
        self._known = known
        self._at = 0

    def whole(self) -> bool | None:
        value = self._any()
        return value if self._at == len(self._tokens) else None

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, token: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == token
        self._at += found
        return found

    def _any(self) -> bool | None:
        value = self._all()
        while self._take("||"):
            other = self._all()
            value = True if True in (value, other) else None if None in (value, other) else False
        return value

    def _all(self) -> bool | None:
        value = self._one()
        while self._take("&&"):
            other = self._one()
            value = False if False in (value, other) else None if None in (value, other) else True
        return value

    def _one(self) -> bool | None:
        value = self._plain()
        while self._at < len(self._tokens) and self._tokens[self._at] not in ("&&", "||", ")"):
            self._at += 1  # a comparison, or arithmetic: its value is not known
            value = None
        return value

    def _plain(self) -> bool | None:
        token = self._next()
        if token == "!":
            value = self._plain()
            return None if value is None else not value
        if token == "(":
            value = self._any()
            return value if self._take(")") else None
        if token == "defined":
            bracket = self._take("(")
            value = self._known.get(self._next())
            if bracket:
                self._take(")")
            return value
        return self._known.get(token)
