"""Work that is shared among processes, of which any may end before its time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
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
    with ProcessPoolExecutor(max_workers=max(1, min(jobs, len(items)))) as pool:
        try:
            for result in pool.map(work, items, chunksize=chunk):
                yield result
                done += 1
        except BrokenProcessPool:  # one crashed, and took the others along
            pass
    for item in items[done:]:
        yield _alone(work, item, lost)


def _alone(work: Callable[[Item], Result], item: Item, lost: Callable[[Item], Result]) -> Result:
    """In a process of its own: its crash is its own, too."""
    with ProcessPoolExecutor(max_workers=1) as pool:
        try:
            return pool.submit(work, item).result()
        except BrokenProcessPool:
            return lost(item)
