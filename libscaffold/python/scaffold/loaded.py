"""Work to be done on other modules once a program loads them, if it ever does.

`ssl` and multiprocessing take longer to load than everything here, most programs have no use for
them, and gevent warns when `ssl` was loaded before its patches.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Work = Callable[[Any], None]

_works: dict[str, list[Work]] = {}


def when_loaded(name: str, work: Work) -> None:
    """Call `work` with the module: at once when it is loaded, and right after it is, be it for the
    first time or afresh."""
    _works.setdefault(name, []).append(work)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    module = sys.modules.get(name)
    if module is None:
        return
    if _is_half_loaded(module):
        module = import_module(name)  # waits for the thread that loads it
    if _is_half_loaded(module):
        raise ImportError(f"{name} loads {__package__}, which needs the whole of it", name=name)
    work(module)


def _is_half_loaded(module: ModuleType) -> bool:
    return getattr(module.__spec__, "_initializing", False)


class _Finder:
    """Finds what is waited for as the finders behind it do, and has it loaded by a _Loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _works:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next(filter(None, found), None)
        if spec is not None and spec.loader is not None:
            loader: Any = _Loader(spec.loader)
            spec.loader = loader
        return spec


class _Loader:
    """Loads by another loader, is asked in its place, and leaves no trace but the work."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        for work in _works[module.__name__]:
            work(module)


_FINDER = _Finder()
