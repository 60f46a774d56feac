# SPDX-License-Identifier: EUPL-1.2
"""The collections of the call state against Python's own; what was made earlier stays as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agi.ami.persistent import PersistentMap, RecentSet

KEYS = st.integers(0, 200).map(lambda number: f"node1-1.{number}")


@given(st.lists(st.tuples(KEYS, st.none() | st.integers()), max_size=300))
def test_a_map_is_what_a_dict_would_be_and_never_changes(steps: list[tuple[str, int | None]]) -> None:
    made: PersistentMap[int] = PersistentMap()
    expected: dict[str, int] = {}
    history = [(made, dict(expected))]
    for key, value in steps:
        if value is None:
            made = made.without(key)
            expected.pop(key, None)
        else:
            made = made.put(key, value)
            expected[key] = value
        history.append((made, dict(expected)))
    for found, wanted in history:
        assert found == wanted
        assert len(found) == len(wanted)
        assert sorted(found) == sorted(wanted)
        assert PersistentMap(wanted) == found
        assert [found.get(key) for key, _ in steps] == [wanted.get(key) for key, _ in steps]
        assert [key in found for key, _ in steps] == [key in wanted for key, _ in steps]


@given(st.lists(KEYS, max_size=400))
def test_a_recent_set_holds_the_newest_and_no_more_than_it_may(texts: list[str]) -> None:
    limit, chunk = 20, 5
    made = RecentSet(limit=limit, chunk=chunk)
    order: dict[str, None] = {}
    for text in texts:
        before, held = made, set(made)
        made = made.put(text)
        assert set(before) == held
        if text not in held:
            order.pop(text, None)
            order[text] = None
        newest = list(order)
        assert len(set(made)) == len(made) <= limit + chunk
        assert text in made
        assert set(newest[-limit:]) <= set(made) <= set(newest)
