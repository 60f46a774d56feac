# SPDX-License-Identifier: EUPL-1.2
"""Table → the generated include: the rules themselves, for a dialplan that has nothing else left.

It holds no timeline but rules, so it decides for years: what numbers mean, weekly hours in their time zones, holidays,
a line's plan while it is open and while it is closed, and what becomes of 115. What is dated is in it for two days
from its making, as in AstDB; it is made anew each day. Every extension does nothing but return a text:

    [rules]                  version · wildcards · unknown · made     as in AstDB; made: the digest of all of it
    [rules-number-<last two>] <digits, then X>     its meanings, joined by ~
    [rules-origin]           <area code or class>   its meanings, joined by ~
    [rules-days]             <line>                 stretches of the two days, joined by ~, of lines that need them
    [rules-line]             <line>                 <from>:<to>:<hours>:<plan if open>:<plan if closed>, joined by ~
    [rules-plan]             <digest>               <first element>|<overflow>:<closed>|<display>
    [rules-hours]            <hours>                <from>:<to>:<week>:<zone>:<holidays>, joined by ~
    [rules-week]             <week>                 <start>-<end> in minutes from Monday, joined by ~
    [rules-zone]             <zone>                 <from>/<seconds ahead of UTC>, joined by ~
    [rules-holiday]          <holidays>_<day>       on this local day (counted from 1970) no window begins

<line> is the MD5 of <tenant>:<line>, which may be longer than an extension. Asterisk does not tell extensions apart by
dashes: names of hours are written with underscores. A reload must take no context away from under a call: all that
there may be stand in rules.conf, where whatever is not written here reads as `missing`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo

from agi.render.astdb import meaning_text, origin_text, window_text
from agi.render.astdb_days import plan_item, stretch_text
from agi.render.astdb_items import Item
from routing.core.clock_changes import clock_changes
from routing.core.hours import MINUTES_PER_DAY, OpeningHours
from routing.core.line import Edition, ServiceLine, Span, Stretch
from routing.core.plan import make_ready
from routing.core.table import Table
from routing.core.timeline import stretches
from routing.core.validity import Validity
from routing.core.warn_fallback import INCLUDE_DAYS

DATED_DAYS = INCLUDE_DAYS
"""What is dated is held for this long from the making on, and for the day before; the rules hold for years."""
MAXIMUM_TEXT_CHARACTERS = 3_500  # Asterisk substitutes no more than 4,096 at once
ZONE_YEARS = 12
END = "; end"
NEVER = "0:0:::"
"""The edition of a line that is served no more: without any, the line would be one that the include does not know."""
_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)


def include_conf(table: Table, *, at: datetime) -> str:
    """The whole file. Its first line holds the digest of what it says but for the version, its last says `END`."""
    sections: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for context, exten, text in _rules(table, at.astimezone(UTC)):
        sections[context][exten] = text
    lines = [line for context, extens in sections.items() for line in _section(context, extens)]
    digest = hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
    head = [f"; {digest}", "[rules]", _exten("version", str(table.version)), _exten("made", digest)]
    return "\n".join([*head, *lines, END]) + "\n"


def include_digest(text: str) -> str:
    """The digest in such a file; '' if this is not a whole one."""
    first = text.partition("\n")[0]
    return first.removeprefix("; ") if first.startswith("; ") and text.endswith(f"\n{END}\n") else ""


def name_key(name: str) -> str:
    """The name of opening hours as an extension."""
    return name.replace("-", "_")


def line_key(line: tuple[str, str]) -> str:
    """A line as an extension: two names may be longer together than one may be."""
    return hashlib.md5(":".join(line).encode(), usedforsecurity=False).hexdigest()


def _section(context: str, extens: Mapping[str, str]) -> Iterator[str]:
    if context != "rules":  # its header stands above
        yield f"[{context}]"
    for exten, text in extens.items():
        yield _exten(exten, text)


def _exten(exten: str, text: str) -> str:
    return f"exten => {exten},1,Return({text})"


def _rules(table: Table, at: datetime) -> Iterator[tuple[str, str, str]]:
    # Sorted: a table's order comes from the way by which it was made, and the same rules must have the same digest.
    yield "rules", "wildcards", "~".join(map(str, table.wildcards))
    yield "rules", "unknown", "" if table.unknown_line is None else ":".join(table.unknown_line)
    for digits, meanings in sorted(table.numbers.items()):
        texts = (meaning_text(table, meaning) for meaning in meanings)
        yield f"rules-number-{f'0{digits}'[-2:]}", digits, _joined(texts)
    for origin, found in sorted(table.origins.items()):
        yield "rules-origin", origin, _joined(map(origin_text, found))
    hours: dict[str, tuple[OpeningHours, ...]] = {}
    for _, line in sorted(table.lines.items()):
        yield from _line(line, at)
        hours.update((edition.hours_name, edition.hours) for edition in line.editions)
    yield from _hours(hours, at)


def _joined(texts: Iterable[str]) -> str:
    """As many as fit."""
    found = ""
    for text in texts:
        if len(found) + len(text) + 1 > MAXIMUM_TEXT_CHARACTERS:
            break
        found = f"{found}~{text}" if found else text
    return found


def _line(line: ServiceLine, at: datetime) -> Iterator[tuple[str, str, str]]:
    name = line_key(line.key)
    start = at - _DAY
    if dated_within(line, start, start + DATED_DAYS * _DAY + _DAY):
        texts = []
        for stretch in stretches(line, start, start + DATED_DAYS * _DAY + _DAY):
            plan = plan_item(stretch)
            texts.append(stretch_text(stretch, plan))
            yield from _plan(plan)
        yield "rules-days", name, _joined(texts)
    editions = []
    for edition in line.editions:
        window = _both(edition.validity, edition.tenant.validity)
        if window is None or (window.valid_to is not None and window.valid_to <= start):
            continue
        opened, closed = (plan_item(_ruled(edition, opened=state)) for state in (True, False))
        yield from _plan(opened)
        yield from _plan(closed)
        plans = ":".join("" if plan is None else plan.digest for plan in (opened, closed))
        editions.append(f"{window_text(window)}:{name_key(edition.hours_name)}:{plans}")
    yield "rules-line", name, _joined(editions) or NEVER


def dated_within(line: ServiceLine, start: datetime, end: datetime) -> bool:
    """Whether anything dated but the editions themselves holds for the line in this time."""
    times = [(item.start, item.end) for item in (*line.overrides, *line.special)]
    times += [(notice.start, notice.end) for notice in line.notices]
    times += [(duty.start, duty.end) for turns in line.rotas.values() for duty in turns]
    return any(begins < end and start < ends for begins, ends in times)


def _plan(plan: Item | None) -> Iterator[tuple[str, str, str]]:
    if plan is not None:
        yield "rules-plan", plan.digest, f"{plan.value}|{plan.named('c')}|{plan.named('d')}"


def _ruled(edition: Edition, *, opened: bool) -> Stretch:
    """What the weekly rule alone makes of an open or a closed line: nothing dated, nobody on duty, no closing time."""
    never = datetime(1970, 1, 1, tzinfo=UTC)
    rule = "open" if opened else "outside_hours"
    return make_ready(Span(start=never, end=never, edition=edition, open=opened, rule=rule), None, None)


def _both(one: Validity, other: Validity) -> Validity | None:
    """When both hold."""
    starts = [at for at in (one.valid_from, other.valid_from) if at is not None]
    ends = [at for at in (one.valid_to, other.valid_to) if at is not None]
    both = Validity(valid_from=max(starts, default=None), valid_to=min(ends, default=None))
    return None if both.valid_from and both.valid_to and both.valid_to <= both.valid_from else both


def _hours(hours: Mapping[str, tuple[OpeningHours, ...]], at: datetime) -> Iterator[tuple[str, str, str]]:
    weeks: dict[str, str] = {}
    zones: dict[str, str] = {}
    holidays: dict[tuple[int, ...], str] = {}
    for name, editions in sorted(hours.items()):
        texts = []
        for item in editions:
            days = tuple(sorted((day - _EPOCH).days for day in item.holidays if day >= at.date() - DATED_DAYS * _DAY))
            week = weeks.setdefault(_week(item), f"w{len(weeks)}")
            zone = zones.setdefault(_zone(item.timezone, at), f"z{len(zones)}")
            dates = holidays.setdefault(days, f"d{len(holidays)}")
            texts.append(f"{window_text(item.validity)}:{week}:{zone}:{dates}")
        yield "rules-hours", name_key(name), _joined(texts)
    for text, week in weeks.items():
        yield "rules-week", week, text
    for text, zone in zones.items():
        yield "rules-zone", zone, text
    for days, dates in holidays.items():
        for number in days:
            yield "rules-holiday", f"{dates}_{number}", "holiday"


def _week(hours: OpeningHours) -> str:
    return _joined(
        f"{day * MINUTES_PER_DAY + window.start}-{day * MINUTES_PER_DAY + window.end}"
        for day, windows in enumerate(hours.weekly)
        for window in windows
    )


def _zone(zone: tzinfo, at: datetime) -> str:
    """What its clock is ahead of UTC by, now and after each change of the coming years."""
    start = at - DATED_DAYS * _DAY
    changes = [change for year in range(start.year, start.year + ZONE_YEARS) for change in clock_changes(zone, year)]
    texts = [f"0/{_ahead(zone, start)}"]
    texts += [f"{int(change.timestamp())}/{_ahead(zone, change)}" for change in changes if change > start]
    return _joined(texts)


def _ahead(zone: tzinfo, at: datetime) -> int:
    return int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds())
