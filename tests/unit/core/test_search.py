"""By which beginnings a business key is found."""

from __future__ import annotations

import pytest

from engine.store.search import LENGTH, words


@pytest.mark.parametrize(
    ("key", "found_by"),
    [
        ("PO-2026-0042", ["po-2026-0042", "2026-0042", "0042"]),
        ("PO2026", ["po2026", "2026"]),
        ("检7-B", ["检7-b", "7-b", "b"]),
        ("键值", ["键值", "值"]),
        ("=1+1", ["=1+1", "1+1", "1"]),
        ("aa a", ["aa a", "a"]),
        ("", []),
    ],
)
def test_a_key_is_found_from_the_beginning_of_each_word(key, found_by):
    assert words(key) == found_by


def test_of_a_long_key_only_so_much_is_kept():
    assert words("K" * 200) == ["k" * LENGTH]
    assert all(len(word) <= LENGTH for word in words("键" * 255))
