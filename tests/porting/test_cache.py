"""Results that are kept: what is damaged is looked at again."""

from pathlib import Path

import pytest

from scaffold_port.cache import Cache

KEPT = {"a file": ["what was found in it"]}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path, b"these rules")


def test_what_is_kept_comes_back_by_its_whole_key(cache: Cache) -> None:
    cache.put(KEPT, b"ab", b"c")
    assert cache.get(b"ab", b"c") == KEPT
    assert cache.get(b"a", b"bc") is None
    assert Cache(cache.where, b"other rules").get(b"ab", b"c") is None


def test_what_is_damaged_is_not_there(cache: Cache) -> None:
    cache.put(KEPT, b"key")
    [file] = (path for path in cache.where.rglob("*") if path.is_file())
    whole = file.read_bytes()
    for at in range(len(whole)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            file.write_bytes(damaged)
            assert cache.get(b"key") is None
    cache.put(KEPT, b"key")
    assert cache.get(b"key") == KEPT


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file", b"")
    cache.put(KEPT, b"key")
    assert cache.get(b"key") is None
