"""Work that is shared among processes, of which any may end before its time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    lost: Callable[[Item], Result],
    chunk: int = 1,
) -> Iterator[Result]:
    """The results in order, of `chunk` items at a time; `lost` stands for those whose process
    ended."""
    done = 0
    while done < len(items):
        for result in _together(work, items[done:], jobs, chunk):
            yield result
            done += 1
        for item in items[done : done + jobs * chunk]:  # mostly one of those that were under way
            yield _alone(work, item, lost)
            done += 1


def _together(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int, chunk: int
) -> Iterator[Result]:
    """The results until a process crashes, and takes the others along."""
    with (
        ProcessPoolExecutor(max_workers=max(1, min(jobs, len(items)))) as pool,
        suppress(BrokenProcessPool),
    ):
        yield from pool.map(work, items, chunksize=chunk)


def _alone(work: Callable[[Item], Result], item: Item, lost: Callable[[Item], Result]) -> Result:
    """In a process of its own: its crash is its own, too."""
    with ProcessPoolExecutor(max_workers=1) as pool:
        try:
            return pool.submit(work, item).result()
        except BrokenProcessPool:
            return lost(item)
