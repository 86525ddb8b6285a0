from __future__ import annotations

import sys

from service.queue.answer_cache import AnswerCache

ENTRY = 200 + sys.getsizeof(b"a") + sys.getsizeof(b"1")


def filled(cache: AnswerCache, *keys: bytes) -> AnswerCache:
    for key in keys:
        cache.add(key, b"1", cache.generation)
    return cache


def test_the_least_recently_used_result_is_removed() -> None:
    cache = filled(AnswerCache(3 * ENTRY), b"a", b"b", b"c")
    assert cache.find(b"a") == b"1"
    filled(cache, b"d")
    assert [cache.find(key) is not None for key in (b"a", b"b", b"c", b"d")] == [
        True,
        False,
        True,
        True,
    ]
    assert (len(cache), cache.n_bytes) == (3, 3 * ENTRY)


def test_memory_is_bounded_whatever_the_sizes_are() -> None:
    cache = AnswerCache(10_000)
    for i in range(2000):
        cache.add(b"%d" % i, b"x" * (i * 37 % 3000), cache.generation)
        assert cache.n_bytes <= 10_000
    assert len(cache) > 1


def test_a_result_that_has_no_room_removes_no_other() -> None:
    cache = filled(AnswerCache(3 * ENTRY), b"a", b"b")
    cache.add(b"c", b"x" * 3 * ENTRY, cache.generation)
    assert cache.find(b"c") is None and len(cache) == 2


def test_a_result_is_replaced_and_counted_once() -> None:
    cache = filled(AnswerCache(3 * ENTRY), b"a")
    cache.add(b"a", b"2", cache.generation)
    assert cache.find(b"a") == b"2" and cache.n_bytes == ENTRY


def test_a_result_that_was_begun_before_the_cache_was_cleared_is_not_added() -> None:
    cache = filled(AnswerCache(3 * ENTRY), b"a")
    before = cache.generation
    cache.clear()
    assert cache.find(b"a") is None and (len(cache), cache.n_bytes) == (0, 0)
    cache.add(b"a", b"1", before)
    assert len(cache) == 0
    assert len(filled(cache, b"a")) == 1
