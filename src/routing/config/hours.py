# SPDX-License-Identifier: EUPL-1.2
"""When a line is open: ``opening_hours``, and what holds on dates: ``special_hours``, ``overrides`` and ``notices``."""

from __future__ import annotations

import re
from typing import Any

from yaml import Node, ScalarNode

from routing.config.calendars import closed_dates
from routing.config.entries import Reader, without_empty, written
from routing.core.hours import MINUTES_PER_DAY, WEEKDAYS, clock_text
from routing.core.rows import NoticeRow, OpeningHoursRow, OverrideRow, SpecialHoursRow

_KINDS = ("closure", "opening")
_OTHERWISE = ("timezone", "weekly", "holiday_calendar", "holiday_additions", "holiday_removals", "holiday_dates")
_WINDOW = re.compile(r"(?P<start>[0-9]{2}:[0-5][0-9])-(?P<end>[0-9]{2}:[0-5][0-9])")


def read_opening_hours(reader: Reader, node: Node) -> OpeningHoursRow:
    what = "opening_hours"
    values, entries = reader.row(
        node, what, OpeningHoursRow, without=_OTHERWISE, required=("weekly",), optional=("timezone", "holidays")
    )
    return OpeningHoursRow(
        timezone=reader.document.optional_text(entries.get("timezone"), f"{what}.timezone") or reader.zone_name,
        weekly=tuple(_read_weekly(reader, entries.get("weekly"))),
        **_read_holidays(reader, entries.get("holidays")),
        **values,
    )


def _read_weekly(reader: Reader, node: Node | None) -> list[tuple[int, int, int]]:
    document = reader.document
    days = document.mapping(node, "weekly", optional=WEEKDAYS)
    windows: list[tuple[int, int, int]] = []
    for name, value in days.items():
        for item in document.items(value, f"weekly.{name}"):
            text = document.text(item, f"weekly.{name}")
            match = _WINDOW.fullmatch(text)
            if match is None or max(match["end"], match["start"]) > "24:00":
                document.problem(item, f"weekly.{name}: write a window as 07:00-18:00, not {text!r}")
                continue
            start, end = (int(match[name][:2]) * 60 + int(match[name][3:]) for name in ("start", "end"))
            if end < start:  # 22:00-06:00 ends on the next day
                end += MINUTES_PER_DAY
            windows.append((WEEKDAYS.index(name), start, end))
    return sorted(windows)


def _read_holidays(reader: Reader, node: Node | None) -> dict[str, Any]:
    """``DE-NI``, or ``calendar`` with dates to ``add`` (with their names) and to ``remove``."""
    document, what = reader.document, "opening_hours.holidays"
    if node is None:
        return {}
    entries = {"calendar": node}
    if not isinstance(node, ScalarNode):
        entries = document.mapping(node, what, optional=("calendar", "add", "remove"))
    calendar = document.optional_text(entries.get("calendar"), what)
    added = list(document.entries(entries.get("add"), f"{what}.add"))
    removed = document.items(entries.get("remove"), f"{what}.remove")
    additions = tuple((day, document.text(name, f"{what}.add")) for day, name in added)
    removals = tuple(document.text(item, f"{what}.remove") for item in removed)
    places = dict(added) | dict(zip(removals, removed, strict=True))  # where a text that is wrong stands

    def note(text: str, sentence: str) -> None:
        document.problem(places.get(text, entries.get("calendar")), f"{what}: {sentence}")

    dates = closed_dates(calendar, additions, removals, note)
    return {
        "holiday_calendar": calendar,
        "holiday_additions": additions,
        "holiday_removals": removals,
        "holiday_dates": dates,
    }


def write_opening_hours(row: OpeningHoursRow) -> dict[str, Any]:
    weekly: dict[str, list[str]] = {}
    for day, start, end in sorted(row.weekly):
        weekly.setdefault(WEEKDAYS[day], []).append(f"{clock_text(start)}-{clock_text(end)}")
    hours = {"name": row.name, "timezone": row.timezone, "holidays": _write_holidays(row)}
    return without_empty(hours) | written(row, without=(*_OTHERWISE, "name")) | {"weekly": weekly}


def _write_holidays(row: OpeningHoursRow) -> Any:
    if not row.holiday_additions and not row.holiday_removals:
        return row.holiday_calendar
    changes = {"add": dict(row.holiday_additions), "remove": list(row.holiday_removals)}
    return without_empty({"calendar": row.holiday_calendar} | changes)


def read_special_hours(reader: Reader, node: Node) -> SpecialHoursRow:
    what = "special_hours"
    values, entries = reader.row(node, what, SpecialHoursRow, without=("opens",), required=("kind",))
    return SpecialHoursRow(opens=_read_kind(reader, entries, what), **values)


def read_override(reader: Reader, node: Node) -> OverrideRow:
    what = "overrides"
    values, entries = reader.row(node, what, OverrideRow, without=("opens",), required=("kind",))
    return OverrideRow(opens=_read_kind(reader, entries, what), **values)


def read_notice(reader: Reader, node: Node) -> NoticeRow:
    values, _ = reader.row(node, "notices", NoticeRow)
    return NoticeRow(**values)


def _read_kind(reader: Reader, entries: dict[str, Node], what: str) -> bool:
    kind = reader.document.text(entries.get("kind"), f"{what}.kind")
    if kind not in _KINDS and "kind" in entries:
        reader.document.problem(entries["kind"], f"{what}.kind: write closure or opening, not {kind!r}")
    return kind == "opening"


def write_dated(row: SpecialHoursRow | OverrideRow) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, value in written(row).items():
        if name == "opens":
            entries["kind"] = "opening" if value else "closure"
        else:
            entries[name] = value
    return entries
