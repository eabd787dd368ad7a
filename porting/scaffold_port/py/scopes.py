"""The scopes of a module: which names each of them binds, from where on, and to what."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tree_sitter import Node

from .module import dotted, field, parts, text

ADDED = "+="
"""The part of a value that an augmented assignment gives."""


class Binding(NamedTuple):
    """A name is given something: what is imported, or a value. Neither: nobody knows what."""

    at: int
    """The byte from which on it holds, within its own scope."""
    imported: str = ""
    value: Node | None = None
    scope: "Scope | None" = None
    """In which the value stands."""
    part: str = ""
    """Of the value, such as `[0]`."""
    open: bool = False
    """Whether it may be something else as well, as a parameter with a default may."""


class Scope:
    """A module, a class, a function or a comprehension."""

    def __init__(self, kind: str, node: Node, parent: "Scope | None", name: str = "") -> None:
        self.kind = kind
        self.node = node
        self.parent = parent
        self.function: Scope = parent.function if parent and kind != "function" else self
        """The def around it, or the module."""
        self.name = name
        self.receiver = ""
        """What a method calls its object."""
        self.bindings: dict[str, list[Binding]] = {}
        self.attributes: dict[str, list[Binding]] = {}
        """By dotted name; of a class those that its methods give to their object."""
        self.outer: dict[str, Scope] = {}
        """Names that are global or nonlocal."""
        self.loops: list[tuple[int, int]] = []

    def until(self, at: int) -> int:
        """Up to which byte bindings count for what stands at `at`: a loop comes round again."""
        found = bisect_right(self.loops, (at, at)) - 1
        return max(at, self.loops[found][1]) if found >= 0 else at

    def home(self, name: str) -> "tuple[Scope, str]":
        """Who keeps the attribute of this dotted name, and by which name."""
        root, _, rest = name.partition(".")
        scope = self
        while scope.parent is not None and root not in scope.bindings:
            scope = scope.parent
        if scope.receiver == root and scope.parent is not None:
            return scope.parent, rest
        return scope, name

    def settle(self) -> None:
        """Once everything is there."""
        for bindings in (*self.bindings.values(), *self.attributes.values()):
            bindings.sort(key=lambda one: one.at)
        outermost: list[tuple[int, int]] = []
        for loop in sorted(self.loops):
            if not outermost or loop[0] >= outermost[-1][1]:
                outermost.append(loop)
        self.loops = outermost


class Use(NamedTuple):
    """A name, a dotted name or a call, and what is around it."""

    node: Node
    scope: Scope
    tried: bool
    """Within a try, whose handlers see what it raises."""
    stored: bool = False


_SEQUENCES = {"pattern_list", "tuple_pattern", "list_pattern", "tuple", "list", "expression_list"}
_NAME = re.compile(r"\w+")
_WRAPPERS = {"parenthesized_expression", "as_pattern_target"}
_SPLATS = {"list_splat_pattern", "dictionary_splat_pattern", "list_splat", "splat_pattern"}


class Walk:
    """Once through a module."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.uses: list[Use] = []
        self.stars: set[str] = set()
        """The modules of which everything is imported."""
        self.packages: set[str] = set()
        """Those of which anything is."""
        self.own: set[str] = set()
        """Every name that is given to anything but the module of that name."""
        self._module = Scope("module", root, None)
        self._scopes = [self._module]
        self._attributes: list[tuple[Scope, str, Binding]] = []
        self._open: list[tuple[Node, Scope, bool]] = []
        self._later(root.children, self._module, False)
        while self._open:
            node, scope, tried = self._open.pop()
            visit = _VISITS.get(node.type)
            if visit is None:
                self._later(node.named_children, scope, tried)
            else:
                visit(self, node, scope, tried)
        self._settle()

    def _settle(self) -> None:
        for scope, name, binding in self._attributes:
            home, own_name = scope.home(name)
            home.attributes.setdefault(own_name, []).append(binding)
        for scope in self._scopes:
            scope.settle()

    def _later(self, nodes: Iterable[Node], scope: Scope, tried: bool) -> None:
        self._open.extend((node, scope, tried) for node in reversed(list(nodes)))

    def _fields(self, node: Node, names: str, scope: Scope, tried: bool) -> None:
        children = (node.child_by_field_name(name) for name in names.split())
        self._later([child for child in children if child is not None], scope, tried)

    def _scope(self, kind: str, node: Node, parent: Scope, name: str = "") -> Scope:
        self._scopes.append(Scope(kind, node, parent, name))
        return self._scopes[-1]

    # --- what is bound ----------------------------------------------------------------------------

    def _give(self, name: str, binding: Binding, scope: Scope) -> None:
        while scope.kind == "comprehension" and binding.value is not None and scope.parent:
            scope = scope.parent  # a walrus binds around the comprehension
        if name in scope.outer:
            scope, binding = scope.outer[name], binding._replace(at=0)
        scope.bindings.setdefault(name, []).append(binding)
        if binding.imported != name:
            self.own.add(name)

    def _bind(self, target: Node, binding: Binding, scope: Scope, tried: bool) -> None:
        if target.type == "identifier":
            self._give(text(target), binding, scope)
        elif target.type == "attribute":
            self.uses.append(Use(target, scope, tried, stored=True))
            self._fields(target, "object", scope, tried)
            if name := dotted(target):
                self._attributes.append((scope, name, binding))
        elif target.type in _SEQUENCES:
            self._bind_parts(parts(target), binding, scope, tried)
        elif target.type in _SPLATS:
            self._unknown(target, scope)
        elif target.type in _WRAPPERS:
            self._bind(parts(target)[0], binding, scope, tried)
        else:
            self._later([target], scope, tried)

    def _bind_parts(self, targets: list[Node], binding: Binding, scope: Scope, tried: bool) -> None:
        """One by one, where as many values stand on the other side."""
        splat = any(one.type in _SPLATS for one in targets)
        value = binding.value
        values = parts(value) if value is not None and value.type in _SEQUENCES else []
        each = len(values) == len(targets) and not any(one.type in _SPLATS for one in values)
        for index, target in enumerate(targets):
            if splat or value is None:
                one = Binding(binding.at)
            elif each and not binding.part:
                one = binding._replace(value=values[index])
            else:
                one = binding._replace(part=f"{binding.part}[{index}]")
            self._bind(target, one, scope, tried)

    def _unknown(self, node: Node | None, scope: Scope) -> None:
        """Every name in a pattern is bound, to whatever comes."""
        open_ = [node] if node is not None else []
        while open_:
            one = open_.pop()
            if one.type == "identifier":
                self._give(text(one), Binding(one.start_byte), scope)
            elif one.type != "attribute":
                open_ += one.named_children

    # --- statements -------------------------------------------------------------------------------

    def _visit_assignment(self, node: Node, scope: Scope, tried: bool) -> None:
        left, right = field(node, "left"), node.child_by_field_name("right")
        if right is None:  # an annotation alone makes a name local, and gives it nothing
            if left.type == "identifier" and text(left) not in scope.outer:
                scope.bindings.setdefault(text(left), [])
                self.own.add(text(left))
            return
        value = right
        while value.type == "assignment" and (inner := value.child_by_field_name("right")):
            value = inner
        binding = Binding(node.end_byte, value=value, scope=scope)
        if node.type == "augmented_assignment":
            binding = Binding(node.end_byte, part=ADDED)
        self._later([right], scope, tried)
        self._bind(left, binding, scope, tried)

    _visit_augmented_assignment = _visit_assignment

    def _visit_named_expression(self, node: Node, scope: Scope, tried: bool) -> None:
        value = field(node, "value")
        binding = Binding(node.end_byte, value=value, scope=scope)
        self._bind(field(node, "name"), binding, scope, tried)
        self._later([value], scope, tried)

    def _visit_for_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        self._visit_while_statement(node, scope, tried)
        at = field(node, "right").end_byte
        self._bind(field(node, "left"), Binding(at), scope, tried)

    def _visit_while_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        scope.loops.append((node.start_byte, node.end_byte))
        self._fields(node, "condition right body alternative", scope, tried)

    def _visit_try_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        body = field(node, "body")
        rest = [child for child in node.named_children if child != body]
        self._later(rest, scope, tried)
        self._later([body], scope, True)

    def _visit_except_clause(self, node: Node, scope: Scope, tried: bool) -> None:
        for child in node.named_children:
            if child.type == "as_pattern":
                self._unknown(child.child_by_field_name("alias"), scope)
                self._later(parts(child)[:1], scope, tried)
            else:
                self._later([child], scope, tried)

    _visit_except_group_clause = _visit_except_clause

    def _visit_as_pattern(self, node: Node, scope: Scope, tried: bool) -> None:
        value, *rest = parts(node)
        self._later([value], scope, tried)
        for alias in rest:
            self._bind(alias, Binding(node.end_byte, value=value, scope=scope), scope, tried)

    def _visit_delete_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        """A name that goes is neither used nor given anything."""
        open_ = parts(node)
        while open_:
            one = open_.pop()
            if one.type == "identifier":
                scope.bindings.setdefault(text(one), [])
            elif one.type in _SEQUENCES | _WRAPPERS:
                open_ += parts(one)
            else:
                self._later(one.named_children, scope, tried)

    def _visit_global_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        around = self._module
        if node.type == "nonlocal_statement" and scope.parent is not None:
            around = scope.parent.function
        for name in parts(node):
            scope.outer[text(name)] = around

    _visit_nonlocal_statement = _visit_global_statement

    def _visit_import_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        for one in node.children_by_field_name("name"):
            if one.type == "aliased_import":
                self._import(text(field(one, "alias")), text(field(one, "name")), node, scope)
            else:
                package = text(one).partition(".")[0]
                self._import(package, package, node, scope)

    def _visit_import_from_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        module = field(node, "module_name")
        known = module.type != "relative_import"
        if any(child.type == "wildcard_import" for child in node.named_children) and known:
            self.stars.add(text(module))
        for one in node.children_by_field_name("name"):
            name = field(one, "name") if one.type == "aliased_import" else one
            alias = field(one, "alias") if one.type == "aliased_import" else one
            imported = f"{text(module)}.{text(name)}" if known else ""
            self._import(text(alias), imported, node, scope)

    def _import(self, name: str, imported: str, node: Node, scope: Scope) -> None:
        self.packages.add(imported.partition(".")[0])
        self._give(name, Binding(node.end_byte, imported=imported), scope)

    # --- scopes -----------------------------------------------------------------------------------

    def _visit_function_definition(self, node: Node, scope: Scope, tried: bool) -> None:
        name = text(field(node, "name"))
        self._give(name, Binding(node.start_byte), scope)
        inner = self._scope("function", node, scope, name)
        self._type_parameters(node, inner)
        self._parameters(node, inner, scope, tried)
        self._fields(node, "body", inner, tried)

    def _visit_lambda(self, node: Node, scope: Scope, tried: bool) -> None:
        inner = self._scope("lambda", node, scope)
        self._parameters(node, inner, scope, tried)
        self._fields(node, "body", inner, tried)

    def _type_parameters(self, node: Node, inner: Scope) -> None:
        given = node.child_by_field_name("type_parameters")
        for one in parts(given) if given is not None else []:
            found = _NAME.search(text(one))
            if found is not None:
                self._give(found[0], Binding(0), inner)

    def _parameters(self, node: Node, inner: Scope, scope: Scope, tried: bool) -> None:
        given = node.child_by_field_name("parameters")
        for index, one in enumerate(parts(given) if given is not None else []):
            if one.type in ("default_parameter", "typed_default_parameter"):
                value = field(one, "value")
                known = Binding(0, value=value, scope=scope, open=True)
                self._bind(field(one, "name"), known, inner, tried)
                self._later([value], scope, tried)
                continue
            name = parts(one)[0] if one.type == "typed_parameter" else one
            self._unknown(name, inner)
            if index == 0 and scope.kind == "class" and name.type == "identifier":
                inner.receiver = text(name)

    def _visit_class_definition(self, node: Node, scope: Scope, tried: bool) -> None:
        name = text(field(node, "name"))
        self._give(name, Binding(node.start_byte), scope)
        self._fields(node, "superclasses", scope, tried)
        inner = self._scope("class", node, scope, name)
        self._type_parameters(node, inner)
        self._fields(node, "body", inner, tried)

    def _visit_list_comprehension(self, node: Node, scope: Scope, tried: bool) -> None:
        """The first iterable stands around it, everything else within."""
        inner = self._scope("comprehension", node, scope)
        clauses = [child for child in node.named_children if child.type == "for_in_clause"]
        for child in node.named_children:
            if child not in clauses:
                self._later([child], inner, tried)
        for index, clause in enumerate(clauses):
            self._fields(clause, "right", inner if index else scope, tried)
            self._bind(field(clause, "left"), Binding(0), inner, tried)

    _visit_set_comprehension = _visit_list_comprehension
    _visit_dictionary_comprehension = _visit_list_comprehension
    _visit_generator_expression = _visit_list_comprehension

    # --- expressions ------------------------------------------------------------------------------

    def _visit_identifier(self, node: Node, scope: Scope, tried: bool) -> None:
        self.uses.append(Use(node, scope, tried))

    def _visit_attribute(self, node: Node, scope: Scope, tried: bool) -> None:
        self.uses.append(Use(node, scope, tried))
        self._fields(node, "object", scope, tried)

    def _visit_call(self, node: Node, scope: Scope, tried: bool) -> None:
        self.uses.append(Use(node, scope, tried))
        self._fields(node, "function arguments", scope, tried)

    def _visit_keyword_argument(self, node: Node, scope: Scope, tried: bool) -> None:
        self._fields(node, "value", scope, tried)

    def _visit_type_alias_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        found = _NAME.search(text(field(node, "left")))
        if found is not None:
            self._give(found[0], Binding(node.end_byte), scope)

    def _visit_future_import_statement(self, node: Node, scope: Scope, tried: bool) -> None:
        """Annotations are no use."""

    _visit_type = _visit_future_import_statement

    # --- patterns of match ------------------------------------------------------------------------

    def _visit_dotted_name(self, node: Node, scope: Scope, tried: bool) -> None:
        if len(node.named_children) == 1:
            self._unknown(node, scope)

    def _visit_class_pattern(self, node: Node, scope: Scope, tried: bool) -> None:
        self._later(parts(node)[1:], scope, tried)

    _visit_keyword_pattern = _visit_class_pattern

    def _visit_splat_pattern(self, node: Node, scope: Scope, tried: bool) -> None:
        self._unknown(node, scope)


_VISITS: dict[str, Callable[[Walk, Node, Scope, bool], None]] = {
    name.removeprefix("_visit_"): function
    for name, function in vars(Walk).items()
    if name.startswith("_visit_")
}
"""By type of node; whatever has none is left to its children."""
