# SPDX-License-Identifier: EUPL-1.2
"""Random configurations with all that is hard about hours and numbers, and random questions to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from routing.core.rows import (
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    OverrideRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
)
from tests.support.fallback import Case
from tests.support.fallback_rows import ISENBUETTEL, MEINERSEN, WOLFSBURG, fallback_rows

AUTUMN = datetime(2026, 10, 20, tzinfo=UTC)  # the clocks go back on 25 October
SPRING = datetime(2027, 3, 1, tzinfo=UTC)  # and forward on 28 March; Easter
CHRISTMAS = datetime(2026, 12, 1, tzinfo=UTC)
BASES = (AUTUMN, SPRING, CHRISTMAS)
DAYS = 60
CHANGES = (datetime(2026, 10, 25, tzinfo=UTC), datetime(2027, 3, 28, tzinfo=UTC))
ZONES = ("Europe/Berlin", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
TRUNKS = ("carrier", "carrier", "carrier-b", "diverts", "backwards")
TENANTS = (WOLFSBURG, MEINERSEN, ISENBUETTEL)
_WEEK = 7 * 1440


def random_rows(random: Random, base: datetime) -> Rows:
    """The hard configuration, with random hours, lines, numbers, closures and overrides around ``base``."""
    rows = fallback_rows()
    hours = tuple(_hours(random, number, base) for number in range(12))
    lines = tuple(
        ServiceLineRow(
            tenant=random.choice(TENANTS), name=f"r-{number}", title=f"R {number}",
            opening_hours=random.choice(hours).name, agent_group=random.choice(("allgemein", "springer")),
            after_closing_minutes=random.choice((None, None, 0, 10)), priority=random.randrange(4),
        )
        for number in range(24)
    )  # fmt: skip
    dids = tuple(
        DidRow(head_number="+4953629", extension=f"{number:02}", tenant=line.tenant, service_line=line.name)
        for number, line in enumerate(lines)
    )
    inner = tuple(  # blocks in blocks, down to one number
        DidRow(
            head_number="+4953629", extension=f"{start:04}",
            last_extension=f"{start + width - 1:04}" if width > 1 else None, tenant=line.tenant, service_line=line.name,
        )
        for line, start, width in ((random.choice(lines), 5000, 1000), (random.choice(lines), 5200, 100),
                                   (random.choice(lines), 5250, 10), (random.choice(lines), 5255, 1))
    )  # fmt: skip
    special = tuple(
        SpecialHoursRow(name=f"s{number}", title="S", opens=random.random() < 0.4, **_when(random, base, 96),
                        tenant=line.tenant, service_line=line.name)
        for number, line in enumerate(random.sample(lines, 12))
    )  # fmt: skip
    overrides = tuple(
        OverrideRow(name=f"o{number}", opens=random.random() < 0.4, reason="r", author="a", **_when(random, base, 12),
                    tenant=line.tenant, service_line=line.name)
        for number in range(4) for line in (random.choice(lines),)
    )  # fmt: skip
    return replace(
        rows,
        opening_hours=(*rows.opening_hours, *hours),
        service_lines=(*rows.service_lines, *lines),
        number_blocks=(*rows.number_blocks, NumberBlockRow(head_number="+4953629", tenant=WOLFSBURG)),
        dids=(*rows.dids, *dids, *inner),
        special_hours=(*rows.special_hours, *special),
        overrides=(*rows.overrides, *overrides),
    )


def _when(random: Random, base: datetime, hours: int) -> dict[str, Any]:
    start = base + timedelta(minutes=random.randrange(DAYS * 1440))
    return {"valid_from": start, "valid_to": start + timedelta(minutes=random.randrange(1, hours * 60))}


def _hours(random: Random, number: int, base: datetime) -> OpeningHoursRow:
    """Windows that share no minute, some across midnight, some that begin or end within the hour that is skipped."""
    weekly: list[tuple[int, int, int]] = []
    minute = random.randrange(600)
    while True:
        start = minute + random.choice((0, 0, 30, random.randrange(1, 900)))
        end = start + random.choice((1, 60, 90, 540, 1439, random.randrange(1, 1440)))
        if end > _WEEK:
            break
        weekly.append((start // 1440, start % 1440, start % 1440 + end - start))
        minute = end
    if random.random() < 0.5:
        weekly = [item for item in weekly if item[0] < 5] + [(6, 0, 150), (6, 165, 200)]
        weekly = [item for item in weekly if item[0] == 6 or item[0] * 1440 + item[2] <= 6 * 1440]
    holidays = tuple(
        (day.date(), "Feiertag") for day in sorted({base + timedelta(days=random.randrange(DAYS)) for _ in range(4)})
    )
    return OpeningHoursRow(
        name=f"r-{number}", timezone=random.choice(ZONES), weekly=tuple(weekly), holiday_dates=holidays
    )


def random_case(random: Random, base: datetime, dialled: tuple[str, ...], callers: tuple[str, ...]) -> Case:
    """A call from somebody to something within the days that are written from ``base`` on."""
    at = base + timedelta(seconds=random.randrange(DAYS * 86_400))
    draw = random.random()
    near = [change for change in CHANGES if base <= change < base + timedelta(days=DAYS - 2)]
    if draw < 0.3 and near:
        at = random.choice(near) + timedelta(seconds=random.randrange(-7_200, 12 * 3_600))
    elif draw < 0.5:  # on the minute, where windows begin and end
        at = at.replace(second=0) - timedelta(seconds=random.choice((0, 1)))
    number = random.choice(
        (
            f"053629{random.randrange(30):02}",
            f"053629{random.randrange(4900, 6100)}",
            f"05372{89_000 + random.randrange(1000)}",
            random.choice(("115", "0115", f"0537{random.randrange(1, 9)}115")),
            random.choice(dialled),
        )
    )
    headers = {}
    if random.random() < 0.2:
        headers = {random.choice(("diversion", "history_info", "to")): f"053629{random.randrange(30):02}"}
    return Case(dialled=number, at=at, caller=random.choice(callers), trunk=random.choice(TRUNKS), **headers)
