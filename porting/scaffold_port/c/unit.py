"""A parsed file: every place where a name that a port cares for stands, and what it is there."""

from dataclasses import dataclass, field
from functools import cached_property

from ..source import Source
from .around import NOWHERE, Around
from .signature import Parameters
from .using import Using, using


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
    around: Around = NOWHERE
    given: str | None = None  # a call: the kinds of its arguments (signature.py), where known
    doubt: str = ""  # why it is not known whether this is libc's
    scope: str = ""  # a declaration: the class or namespace that it is in
    in_file: bool = False  # a declaration: of the file's own level
    takes: Parameters | None = None  # a declaration: of a function, where it says so
    macro: bool = False  # a declaration: by #define
    used: bool = True  # a call: its result is looked at
    target: str = ""  # a mention: assigned, compared, cast, sizeof, declared, or nothing
    global_scope: bool = False  # ::name
    passed_to: str = ""  # the function that takes it, or a call's result, as an argument
    array: Array | None = None  # a mention: what it is the size of
    length_of: str = ""  # a mention: the buffer that a call is given just before it
    question: str = ""  # of a call that reads or prints an address: see origin.py
    raw: bool = False  # a call: in a function that makes a socket of whole packets
    beside: str = ""  # what it is compared to, or the other side of a mask
    value: bool = False  # a mention: if the name is a function's, its address is taken
    seen: tuple[int, int] = (0, 0)  # a declaration of a variable: from where to where it holds

    @property
    def function(self) -> str:
        """Where this stands."""
        return self.around.function


@dataclass
class Unit:
    """A parsed file."""

    source: Source
    uses: list[Use] = field(default_factory=list)
    members: dict[tuple[str, str], bool] = field(default_factory=dict)  # as in declared.py
    own: dict[str, list[Use]] = field(default_factory=dict)  # functions that the file makes
    macros: dict[str, list[int]] = field(default_factory=dict)  # where a macro is made
    unmade: dict[str, list[int]] = field(default_factory=dict)  # the same of #undef
    variables: list[Use] = field(default_factory=list)  # declarations with `seen`
    copies: list[tuple[int, frozenset[str]]] = field(default_factory=list)  # without a bound
    broken: list[tuple[int, str]] = field(default_factory=list)  # lines that cannot be parsed

    @cached_property
    def using(self) -> Using:
        """Whose names the file takes as its own."""
        return using(self.source)

    def has_variable(self, use: Use) -> bool:
        """Whether the name is a variable's or a parameter's where `use` stands."""
        return any(
            one.name == use.name
            and one.start < use.start
            and one.seen[0] <= use.start < one.seen[1]
            for one in self.variables
        )
