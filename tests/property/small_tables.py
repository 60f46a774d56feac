# SPDX-License-Identifier: EUPL-1.2
"""Small configurations with everything in them, and changes of them, for comparisons with brute force.

A few numbers, lines and trunks, and four days around the night in which the clock is put forward. All names are the
same in every one, so that parts of two can be put together; what then does not compile is left out row by row.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from routing.core.compile import compile_table
from routing.core.rows import (
    AgentGroupRow,
    AuthorityNumberRow,
    CentreRow,
    CompileError,
    DidRow,
    IngressNumberRow,
    NoticeRow,
    NumberBlockRow,
    OnCallDutyRow,
    OnCallRotaRow,
    OpeningHoursRow,
    OverrideRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
    TenantRow,
    TrunkRow,
)
from routing.core.table import Table

START = datetime(2026, 3, 27, 12, tzinfo=UTC)  # a Friday; the clock is put forward on Sunday
END = START + timedelta(days=4)
INSTANTS = [START + timedelta(hours=hours) for hours in range(-30, 120, 6)]
HEADS = ("+49537281", "+495372815", "+4953728")
LINES = (("a", "x"), ("a", "y"), ("b", "x"))
AREAS = ("5372", "30", "3302", "33021", "531")
TRUNKS = ("t1", "t2", "t3")
WAYS = ("dialled", "diversion", "history_info", "to", "ingress_number")


def small_rows(chance: Random) -> Rows:
    """One configuration, nearly always one that compiles."""
    rows = Rows(
        centre=_centre(chance),
        tenants=tuple(
            TenantRow(slug=slug, name=slug.upper(), greeting_text=_text(chance), **_validity(chance, 0.15))
            for slug in ("a", "b")
        ),
        opening_hours=_hours(chance),
        special_hours=tuple(_special(chance, f"s{count}") for count in range(chance.choice([0, 0, 1, 3]))),
        overrides=tuple(_override(chance, f"o{count}") for count in range(chance.choice([0, 0, 1, 2]))),
        notices=tuple(_notice(chance, f"n{count}") for count in range(chance.choice([0, 0, 1]))),
        agent_groups=tuple(AgentGroupRow(name=name, title=name) for name in ("g", "h")),
        on_call_rotas=(OnCallRotaRow(name="r", title="r"),),
        on_call_duties=_duties(chance),
        trunks=tuple(_trunk(chance, name) for name in TRUNKS if chance.random() < 0.9),
        service_lines=tuple(row for key in LINES for row in _line(chance, *key)),
        number_blocks=_blocks(chance),
        dids=tuple(_did(chance) for _ in range(chance.randint(0, 7))),
        ingress_numbers=_ingress(chance),
        authority_numbers=_authority(chance),
    )
    return _sound(rows, chance)


def changed_rows(rows: Rows, chance: Random) -> Rows:
    """The same with some parts taken from another one."""
    other = small_rows(chance)
    names = chance.sample([item.name for item in fields(rows)], chance.choice([0, 1, 1, 2, 3, 16]))
    taken: dict[str, Any] = {}
    for name in names:
        mine, theirs = getattr(rows, name), getattr(other, name)
        taken[name] = theirs if chance.random() < 0.5 else tuple(chance.choice(pair) for pair in zip(mine, theirs))  # noqa: B905
    return _sound(replace(rows, **taken), chance)


def small_table(rows: Rows) -> Table:
    return compile_table(rows, version=1)


def _sound(rows: Rows, chance: Random) -> Rows:
    """Without the rows that keep it from becoming a table."""
    for _ in range(60):
        try:
            compile_table(rows, version=1)
        except CompileError as error:
            name = error.problems[0].place.partition("[")[0]
            section = list(getattr(rows, name))
            if section:
                section.pop(chance.randrange(len(section)))
            rows = replace(rows, **{name: tuple(section)})
        else:
            return rows
    return Rows()


def _text(chance: Random) -> str | None:
    return chance.choice([None, None, "Eins", "Zwei"])


def _validity(chance: Random, often: float) -> dict[str, Any]:
    if chance.random() > often:
        return {}
    first, last = sorted(chance.sample(INSTANTS, 2))
    return {"valid_from": chance.choice([None, first]), "valid_to": chance.choice([None, last])}


def _period(chance: Random) -> dict[str, Any]:
    first, last = sorted(chance.sample(INSTANTS, 2))
    return {"valid_from": first, "valid_to": last}


def _centre(chance: Random) -> tuple[CentreRow, ...]:
    line = chance.choice([None, None, *LINES])
    if line is None:
        return (CentreRow(unknown_number_text=_text(chance)),) if chance.random() < 0.5 else ()
    return (CentreRow(unknown_number_tenant=line[0], unknown_number_service_line=line[1]),)


def _hours(chance: Random) -> tuple[OpeningHoursRow, ...]:
    found = []
    for name in ("v", "w"):
        weekly: list[tuple[int, int, int]] = []
        for day in chance.sample(range(7), chance.randint(0, 5)):
            start = chance.choice([0, 120, 150, 420, 480, 1320])
            weekly.append((day, start, start + chance.choice([30, 60, 120, 600])))
        if chance.random() < 0.15:
            weekly = [(day, 0, 1440) for day in range(7)]
        holidays = ((date(2026, 3, 28), "Fest"),) if chance.random() < 0.3 else ()
        change = chance.choice([None, None, *INSTANTS])
        row = OpeningHoursRow(
            name=name, timezone="Europe/Berlin", weekly=tuple(sorted(weekly)), holiday_dates=holidays, valid_to=change
        )
        found.append(row)
        if change is not None:
            found.append(replace(row, weekly=((6, 60, 200),), valid_from=change, valid_to=None))
    return tuple(found)


def _scope(chance: Random, *, centre: bool) -> dict[str, Any]:
    scopes: list[dict[str, Any]] = [{"tenant": "a"}, {"tenant": "a", "service_line": "x"}]
    return chance.choice([*scopes, {} if centre else {"opening_hours": "v"}])


def _forward(chance: Random) -> dict[str, Any]:
    return {"forward_number": "+493023125100", "forward_trunk": "t1"} if chance.random() < 0.4 else {}


def _special(chance: Random, name: str) -> SpecialHoursRow:
    opens = chance.random() < 0.4
    more: dict[str, Any] = {"agent_group": chance.choice([None, "h"])} if opens else _forward(chance)
    return SpecialHoursRow(
        name=name,
        title=chance.choice(["Eins", "Zwei"]),
        opens=opens,
        announcement_text=_text(chance),
        **_period(chance),
        **_scope(chance, centre=False),
        **more,
    )


def _override(chance: Random, name: str) -> OverrideRow:
    opens = chance.random() < 0.5
    more: dict[str, Any] = {} if opens else {"announcement_text": _text(chance)} | _forward(chance)
    return OverrideRow(
        name=name,
        opens=opens,
        reason=chance.choice(["Eins", "Zwei"]),
        author="leitung",
        **_period(chance),
        **_scope(chance, centre=True),
        **more,
    )


def _notice(chance: Random, name: str) -> NoticeRow:
    text = chance.choice(["Eins", "Zwei"])
    return NoticeRow(
        name=name, title="Hinweis", announcement_text=text, **_period(chance), **_scope(chance, centre=True)
    )


def _duties(chance: Random) -> tuple[OnCallDutyRow, ...]:
    return tuple(
        OnCallDutyRow(rota="r", number=f"+4930231251{rank}0", trunk="t1", rank=rank, **_period(chance))
        for rank in range(1, chance.randint(1, 4))
    )


def _trunk(chance: Random, name: str) -> TrunkRow:
    ways = list(WAYS)
    if chance.random() < 0.3:
        chance.shuffle(ways)
    if chance.random() < 0.2:
        ways.remove(chance.choice(WAYS))
    return TrunkRow(
        name=name,
        address="127.0.0.2",
        number_format=chance.choice(["national", "national", "national", "significant"]),
        has_other_route=chance.random() < 0.3,
        trusts_diversion=chance.random() < 0.5,
        recognise_by=tuple(ways),
    )


def _line(chance: Random, tenant: str, name: str) -> tuple[ServiceLineRow, ...]:
    row = ServiceLineRow(
        tenant=tenant,
        name=name,
        title=chance.choice(["Eins", "Zwei"]),
        opening_hours=chance.choice(["v", "w"]),
        agent_group="g",
        after_closing_minutes=chance.choice([None, 0, 15]),
        greeting_text=_text(chance),
        closed_text=_text(chance),
        closing_text=_text(chance),
        agent_phrase=_text(chance),
        overflow=chance.choice([(), (), _OVERFLOW]),
        closed=chance.choice([(), (), _ON_CALL, _ON_CALL[1:]]),
    )
    change = chance.choice([None, None, None, *INSTANTS])
    if change is None:
        return (replace(row, **_validity(chance, 0.2)),)
    (later,) = _line(chance, tenant, name)[:1]
    return replace(row, valid_to=change), replace(later, valid_from=change, valid_to=None)


_ON_CALL = (
    StepRow(kind="on_call", rota="r", tries=2),
    StepRow(kind="announcement", text="Niemand da"),
)
_OVERFLOW = (
    StepRow(kind="agent_group", when=("timeout", "full"), after_seconds=30, agent_group="h"),
    StepRow(kind="announcement", text="Leider"),
)


def _blocks(chance: Random) -> tuple[NumberBlockRow, ...]:
    found = []
    for head in chance.sample(HEADS, chance.randint(1, 3)):
        tenant = chance.choice(["a", "a", "b"])
        desks = chance.choice([(), (1,), (2,), (1, 2)])
        found.append(
            NumberBlockRow(
                head_number=head,
                tenant=tenant,
                desk_digits=desks,
                desk_trunk=chance.choice(["t1", "t1", "t2"]) if desks else None,
                other_service_line=chance.choice([None, "x"]),
            )
        )
    return tuple(found)


def _did(chance: Random) -> DidRow:
    tenant, line = chance.choice(LINES)
    extension, last = chance.choice(["", "0", "1", "5", "12", "50", "500"]), None
    if chance.random() < 0.4:
        extension, last = chance.choice([("2", "6"), ("10", "27"), ("20", "29"), ("00", "99"), ("05", "09")])
    return DidRow(
        head_number=chance.choice(HEADS),
        extension=extension,
        last_extension=last,
        tenant=tenant,
        service_line=line,
        **_validity(chance, 0.5),
    )


def _ingress(chance: Random) -> tuple[IngressNumberRow, ...]:
    found = []
    for number in chance.sample(["+49536190", "+49536191", "+4953728112"], chance.randint(0, 2)):
        line = chance.choice([None, *LINES])
        names: dict[str, Any] = {} if line is None else {"tenant": line[0], "service_line": line[1]}
        found.append(IngressNumberRow(number=number, **names, **_validity(chance, 0.4)))
    return tuple(found)


def _authority(chance: Random) -> tuple[AuthorityNumberRow, ...]:
    if chance.random() < 0.2:
        return ()
    found = [AuthorityNumberRow(origin="neutral", tenant="b", service_line="x", **_validity(chance, 0.3))]
    classes = ("mobile", "foreign", "withheld", "unreadable", "other_area")
    for origin in chance.sample([*AREAS, *classes], chance.randint(0, 6)):
        kind: dict[str, Any] = chance.choice(
            [
                {"tenant": "a", "service_line": "y"},
                {"announcement_text": chance.choice(["Eins", "Zwei"])},
                {"forward_number": "+493023125199", "forward_trunk": "t1"},
            ]
        )
        standing = chance.choice(["member", "shared", "non_member"]) if origin in AREAS else "member"
        found.append(AuthorityNumberRow(origin=origin, standing=standing, **kind, **_validity(chance, 0.4)))
    return tuple(found)
