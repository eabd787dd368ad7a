"""What the names in a module stand for, by the scopes that bind them."""

from collections.abc import Iterable

import libcst as cst
from libcst.metadata import Access, ImportAssignment, MetadataWrapper, Scope, ScopeProvider

Meaning = frozenset[str]
"""Dotted names of what is imported; "" is anything else. With several, it depends."""

NOTHING: Meaning = frozenset({""})


class Meanings:
    """Of every place that uses something imported. Annotations are no use."""

    def __init__(self, facts: MetadataWrapper) -> None:
        nodes = facts.resolve(ScopeProvider)
        scopes = {scope for scope in nodes.values() if scope is not None}
        self._stars = _stars(nodes)
        self._uses: dict[cst.CSTNode, Meaning] = {
            access.node: self._meaning(access, dotted(access.node))
            for scope in scopes
            for access in scope.accesses
            if not access.is_annotation
        }
        self.binds = {name for scope in scopes for name in _own_names(scope)}
        """Every name that the module gives to something of its own."""

    def of(self, node: cst.CSTNode) -> Meaning:
        """Of a name, or of a dotted one."""
        if node in self._uses:
            return self._uses[node]
        if not isinstance(node, cst.Attribute):
            return NOTHING
        return frozenset(name and f"{name}.{node.attr.value}" for name in self.of(node.value))

    def _meaning(self, access: Access, name: str) -> Meaning:
        if not access.referents:
            return NOTHING.union(f"{module}.{name}" for module in self._stars)
        return frozenset(
            one.name if isinstance(referent, ImportAssignment) else ""
            for referent in access.referents
            for one in referent.get_qualified_names_for(name)
        )


def _stars(nodes: Iterable[cst.CSTNode]) -> set[str]:
    """The modules of which everything is imported."""
    return {
        dotted(one.module)
        for one in nodes
        if isinstance(one, cst.ImportFrom)
        and isinstance(one.names, cst.ImportStar)
        and one.module is not None
        and not one.relative
    }


def _own_names(scope: Scope) -> Iterable[str]:
    """What it binds, but for modules that go by their own names."""
    for one in scope.assignments:
        meant = {meaning.name for meaning in one.get_qualified_names_for(one.name)}
        if not (isinstance(one, ImportAssignment) and one.name in meant):
            yield one.name


def dotted(node: cst.CSTNode) -> str:
    """`a.b.c`; empty for anything else."""
    parts = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return ""
    return ".".join([node.value, *reversed(parts)])
