# SPDX-License-Identifier: EUPL-1.2
"""Changes of any rows: made, they give the other rows; undone, they give the first ones; and nothing is made twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from routing.core.changes import ConflictError, DoubledRowError, apply, difference, in_utc, reverse
from routing.core.places import collection_of, find_row, place_of
from routing.core.row_json import read_row, row_json
from routing.core.rows import Row, Rows, TenantRow
from routing.core.visibility import OCCUPIED, may_see, visible
from tests.property.any_rows import any_rows, same
from tests.property.rows import PHASES, SLOW

_FEW_TEXTS = st.sampled_from(["a", "b", "a/b", "", "115"])
_FEW_INSTANTS = st.sampled_from(
    [
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=fold)  # the hour that comes twice
        for fold in (0, 1)
    ]
    + [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
)
ALIKE = any_rows(texts=_FEW_TEXTS, instants=_FEW_INSTANTS)
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=SLOW, phases=PHASES)


@SETTINGS
@given(before=ALIKE, after=ALIKE)
def test_the_difference_made_gives_the_other_and_reversed_gives_the_first(before: Rows, after: Rows) -> None:
    changes = difference(before, after)
    event(f"changed rows: {any(change.before and change.after for change in changes)}")
    assert same(apply(before, changes), after)
    assert same(apply(after, reverse(changes)), before)
    assert same(apply(after, changes), after)  # what is there already is no conflict
    assert difference(before, before) == ()
    assert {(change.collection, change.key) for change in changes} == {
        (change.collection, change.key) for change in reverse(changes)
    }
    assert len({(change.collection, change.key) for change in changes}) == len(changes)


@SETTINGS
@given(base=ALIKE, mine=ALIKE, theirs=ALIKE)
def test_a_change_fits_wherever_its_row_is_untouched_and_each_other_row_is_named(
    base: Rows, mine: Rows, theirs: Rows
) -> None:
    changes = difference(base, mine)
    theirs_by_row = {(change.collection, change.key): change for change in difference(base, theirs)}
    expected = {
        change.place
        for change in changes
        if (other := theirs_by_row.get((change.collection, change.key))) is not None
        and (other.after and in_utc(other.after)) != (change.after and in_utc(change.after))
    }
    event(f"conflicts: {bool(expected)}")
    named: set[str] = set()
    try:
        merged = apply(theirs, changes)
    except ConflictError as error:
        named = {conflict.change.place for conflict in error.conflicts if conflict.sentence}
    else:
        later = {(change.collection, change.key) for change in difference(theirs, merged)}
        assert later <= {(change.collection, change.key) for change in changes}
    assert named == expected


@SETTINGS
@given(rows=any_rows())
def test_rows_come_back_from_json_and_from_their_place(rows: Rows) -> None:
    for row in rows.all():
        value = json.loads(json.dumps(row_json(row)))
        assert read_row(collection_of(row), value, place=place_of(row)) == row


@SETTINGS
@given(rows=any_rows(texts=st.sampled_from(["a", "b", "stadt-x"]), instants=_FEW_INSTANTS))
def test_a_row_is_found_at_its_place(rows: Rows) -> None:
    by_place: dict[str, list[Row]] = {}
    for row in rows.all():
        by_place.setdefault(place_of(row), []).append(row)
    for place, there in by_place.items():
        assert find_row(rows.all(), place) in there


_TENANTS = st.sampled_from(["mine", "geheim"])


@SETTINGS
@given(before=any_rows(texts=_TENANTS), after=any_rows(texts=_TENANTS))
def test_nobody_sees_a_row_of_another_tenant(before: Rows, after: Rows) -> None:
    for change in difference(before, after):
        shown = visible(change, "mine")
        for row, side in ((change.before, shown.before), (change.after, shown.after)):
            assert (side == row) == (row is None or may_see(row, "mine")) or shown.occupied
            if row is not None and getattr(row, "tenant", None) == "geheim":
                assert side != row
        if shown.occupied:
            assert shown.place == OCCUPIED
        assert visible(change, None).before == change.before


def test_a_row_that_is_there_twice_has_no_difference() -> None:
    twice = (TenantRow(slug="a", name="A"),) * 2
    with pytest.raises(DoubledRowError, match=r"tenants\[a\] is there twice"):
        difference(Rows(), Rows(tenants=twice))
