"""A parsed file: every place where a name that a port cares for stands, and what it is there."""

from dataclasses import dataclass, field

from ..source import Source


@dataclass(frozen=True)
class Array:
    """One whose size a name is part of, and from where to where it can be named."""

    name: str
    seen: tuple[int, int]


@dataclass(frozen=True)
class Use:
    """One place.

    `role` is call, macro (inside the body of a #define, called there), declaration, own (a
    definition of the program's own function), member (of an object, or of a named scope), type,
    or mention (a constant, a field).
    """

    name: str
    start: int
    end: int
    role: str
    arguments: tuple[str, ...] = ()
    broken: bool = False  # the parser lost its way around here
    function: str = ""
    scope: str = ""  # the class whose member function this stands in
    macro: bool = False  # a declaration: by #define
    used: bool = True  # a call: its result is looked at
    target: str = ""  # a mention: assigned, compared, cast, sizeof, declared, or nothing
    global_scope: bool = False  # ::name
    passed_to: str = ""  # a call: the function that takes its result as an argument
    array: Array | None = None  # a mention: what it is the size of
    length_of: str = ""  # a mention: the buffer that a call is given just before it
    doubt: str = ""  # a call that reads an address from text: see origin.py
    value: bool = False  # a mention: if the name is a function's, its address is taken
    seen: tuple[int, int] = (0, 0)  # a declaration of a variable: from where to where it holds


@dataclass
class Unit:
    """A parsed file."""

    source: Source
    uses: list[Use] = field(default_factory=list)
    methods: set[tuple[str, str]] = field(default_factory=set)  # (class, name)
    own: dict[str, list[int]] = field(default_factory=dict)  # where the file defines a function
    macros: dict[str, list[int]] = field(default_factory=dict)  # the same of a macro
    variables: list[Use] = field(default_factory=list)  # declarations with `seen`
    copies: list[tuple[int, frozenset[str]]] = field(default_factory=list)  # without a bound
    broken: list[tuple[int, str]] = field(default_factory=list)  # lines that cannot be parsed

    def has_variable(self, use: Use) -> bool:
        """Whether the name is a variable's or a parameter's where `use` stands."""
        return any(
            one.name == use.name
            and one.start < use.start
            and one.seen[0] <= use.start < one.seen[1]
            for one in self.variables
        )
