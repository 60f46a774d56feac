# SPDX-License-Identifier: EUPL-1.2
"""Maps and ordered texts that are made anew with few changes, and never changed."""

from __future__ import annotations

from random import Random

import pytest

from routing.core.sharded import ShardedMap, SortedEdit


def test_a_map_holds_what_was_put_in() -> None:
    entries = {str(number): number for number in range(3_000)}
    found = ShardedMap(entries.items())
    assert (len(found), dict(found.items()), set(found), set(found.values())) == (
        3_000, entries, set(entries), set(entries.values()),
    )  # fmt: skip
    assert ("7" in found, "x" in found, found.get("7"), found.get("x")) == (True, False, 7, None)
    assert len(list(found.shards())) > 1
    assert found == ShardedMap(reversed(entries.items()))
    assert (found == ShardedMap(), found == entries) == (False, False)
    with pytest.raises(TypeError, match="cannot be hashed"):
        hash(found)


def test_an_edit_leaves_the_map_before_as_it_was() -> None:
    before = ShardedMap({"a": 1, "b": 2}.items())
    edit = before.edit()
    edit.put("a", None)
    edit.put("b", 3)
    edit.put("c", 4)
    edit.put("never", None)
    assert [edit.get(key) for key in "abc"] == [None, 3, 4]
    after = edit.done()
    assert (dict(before.items()), dict(after.items())) == ({"a": 1, "b": 2}, {"b": 3, "c": 4})
    assert sorted(before.differing(after)) == sorted(after.differing(before)) == ["a", "b", "c"]
    assert list(after.differing(after)) == []
    edit.put("d", 5)
    assert after.get("d") is None  # not even what is written after it is done


@pytest.mark.parametrize("changes", [0, 1, 5, 64, 65, 500])
def test_texts_stay_in_order(changes: int) -> None:
    chance = Random(changes)
    texts = tuple(sorted({str(chance.randrange(2_000)) for _ in range(800)}))
    edit, expected = SortedEdit(texts), set(texts)
    for _ in range(changes):
        text = str(chance.randrange(2_000))
        if text in expected and chance.random() < 0.7:
            edit.remove(text)
            expected.discard(text)
        else:
            edit.add(text)
            expected.add(text)
    assert edit.now() == tuple(sorted(expected))
    assert edit.now() is edit.now()
    assert texts == SortedEdit(texts).now()
