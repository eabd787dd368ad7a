"""What the files of a run declare under names that a port cares for, and what that means for calls
in other files."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where a finding stands: in which classes and namespaces its name is looked up, innermost
    first; empty for what is not looked up."""

    classes: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()  # by `using namespace`
    counted: bool = True  # how many arguments the call has is known
    settled: bool = True  # what the call is given says that it is libc's
    is_word: bool = False  # the name is one that others' classes have, too
    given_to: str = ""  # a function, or a macro, that is given the name itself
    declared: bool = False  # the file includes the header that declares libc's
    doubt: str = ""  # why the name may be another's, as far as the file alone says
    fits: bool = True  # it is called as libc's function is


PLAIN = Place()
_WITHOUT_CALLS = ("std::", "noncopyable", "boost::noncopyable")
"""How bases begin that many classes have, and that have no members of such names."""
_MEMBERS = {"QObject": {"connect"}, "QThread": {"connect"}}
"""Classes of other libraries that many programs derive from: which of such names they have."""


@dataclass
class Declared:
    """By one file, or by all of a run."""

    members: dict[tuple[str, str], bool] = field(default_factory=dict)
    """By class or namespace, and name: whether it may take what libc's function takes."""
    bases: set[tuple[str, str]] = field(default_factory=set)  # (class, its base)
    classes: set[str] = field(default_factory=set)
    others: dict[str, str] = field(default_factory=dict)  # by name: what a header makes of it
    writers: frozenset[str] = frozenset()  # a header's macros that make texts of names
    makes: set[str] = field(default_factory=set)  # functions of libraries, as the library itself


class Run:
    """What all files declare."""

    def __init__(self, files: Iterable[Declared]) -> None:
        self._members: dict[tuple[str, str], bool] = {}
        self._classes: set[str] = set()
        self._others: dict[str, str] = {}
        self._makes: set[str] = set()
        self._writers: set[str] = set()
        self._bases: dict[str, set[str]] = {}
        for one in files:
            for member, fits in one.members.items():
                self._members[member] = fits or self._members.get(member, False)
            self._classes |= one.classes
            self._others |= one.others
            self._writers |= one.writers
            self._makes |= one.makes
            for child, base in one.bases:
                self._bases.setdefault(child, set()).add(base)

    def hides(self, name: str, place: Place) -> bool:
        """Whether the program makes the function itself, or a class around a place has a member of
        the name, which is what is meant then."""
        if name in self._makes:
            return True
        classes = self._with_bases(place.classes) & self._classes
        return any(self._may_mean(one, name, place) for one in classes)

    def doubt(self, name: str, place: Place) -> str:
        """Why the name may be another one than libc's there; empty: it is libc's."""
        for scope in (*place.classes, *place.namespaces):
            if self._may_mean(scope, name, place):
                return f"the namespace `{scope}` has its own `{name}`"
        if place.given_to in self._writers:
            return f"the macro `{place.given_to}` may make anything of it"
        if place.settled:
            return ""
        for scope in place.used:
            if self._may_mean(scope, name, place):
                return f"`using namespace {scope}` shows another `{name}`"
        if name in self._others and not place.declared:
            return f"a header makes `{name}` {self._others[name]}"
        unseen = sorted(self._unseen(place.classes, name)) if place.is_word else []
        return f"the class `{unseen[0]}` was not analysed, and may have its own" if unseen else ""

    def _may_mean(self, scope: str, name: str, place: Place) -> bool:
        """What takes other things than libc's function is not called as that."""
        return self._members.get((scope, name), False) or (
            not place.counted and (scope, name) in self._members
        )

    def _with_bases(self, classes: tuple[str, ...]) -> set[str]:
        open_, seen = list(classes), set()
        while open_:
            one = open_.pop()
            if one not in seen:
                seen.add(one)
                open_ += (base.rpartition("::")[2] for base in self._bases.get(one, ()))
        return seen

    def _unseen(self, classes: tuple[str, ...], name: str) -> set[str]:
        """Base classes that no file of the run has, and that may have a member of the name."""
        bases = {base for one in self._with_bases(classes) for base in self._bases.get(one, ())}
        return {
            base
            for base in bases
            if not base.startswith(_WITHOUT_CALLS)
            and base.rpartition("::")[2] not in self._classes
            and name in _MEMBERS.get(base, {name})
        }
