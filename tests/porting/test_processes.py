"""Work that is shared among processes, some of which end before its time."""

import os

from scaffold_port.processes import each

ITEMS = range(200)
CRASHING = {3, 90, 199}


def work(item: int) -> tuple[int, int]:
    if item in CRASHING:
        os._exit(1)
    return item, os.getpid()


def lost(item: int) -> tuple[int, int]:
    return item, 0


def test_results_come_in_order_and_a_crash_is_its_own() -> None:
    found = list(each(work, ITEMS, 2, lost, chunk=4))
    assert [item for item, _ in found] == list(ITEMS)
    assert {item for item, process in found if process == 0} == CRASHING


def test_what_follows_a_crash_is_shared_again() -> None:
    """And has no process for each item."""
    processes = [process for _, process in each(work, ITEMS, 2, lost, chunk=4)]
    assert len(set(processes)) < len(ITEMS) // 4


def test_nothing_to_do() -> None:
    assert list(each(work, [], 2, lost)) == []
