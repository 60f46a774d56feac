# SPDX-License-Identifier: EUPL-1.2
"""Service lines: their editions with everything resolved, their chains, and the announcements that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from sys import intern  # the objects that numbers name, too: equal at a glance

from routing.core.announcements import (
    agent_phrase,
    closed_name,
    closed_text,
    closing_name,
    closing_text,
    greeting_name,
    greeting_text,
    since_suffix,
    step_name,
)
from routing.core.chain import MAXIMUM_CHAIN_CHARACTERS, MAXIMUM_STEPS, chain_text
from routing.core.check_numbers import check_validity
from routing.core.compile_hours import Note, Scope, compile_forward, editions_of
from routing.core.decision import CONDITIONS, Destination, DialExtension, EnterQueue, Forward, PlayAnnouncement, Step
from routing.core.hours import Duty, Notice, OpeningHours, SpecialHours
from routing.core.line import ChainLink, Edition, OnCall, ServiceLine, Tenant, boundaries_of
from routing.core.names import Names
from routing.core.places import place_of
from routing.core.rows import ServiceLineRow, StepRow, TenantRow
from routing.core.validity import ALWAYS, Validity

MAXIMUM_PRIORITY = 100
MAXIMUM_SECONDS = 3_600
MAXIMUM_TRIES = 5
_NOT_YET = {"message": "voice messages", "callback": "callbacks"}
_FIELDS = {
    "agent_group": {"agent_group"},
    "announcement": {"text"},
    "forward": {"number", "trunk", "ring_seconds"},
    "desk": {"number", "trunk", "ring_seconds"},
    "on_call": {"rota", "tries", "ring_seconds"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a line is made of beside its own rows."""

    names: Names
    tenants: Mapping[str, tuple[Tenant, TenantRow]]
    hours: Mapping[str, tuple[OpeningHours, ...]]
    special: Mapping[Scope, tuple[SpecialHours, ...]]
    overrides: Mapping[Scope, tuple[SpecialHours, ...]]
    notices: Mapping[Scope, tuple[Notice, ...]]
    rotas: Mapping[str, tuple[Duty, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A line, and the texts of its announcements by their names.

    ``forwards`` are the numbers (E.164 digits) to which it forwards, each with the place that says so.
    ``inputs`` are all that it was made of.
    """

    line: ServiceLine
    announcements: Mapping[str, str]
    forwards: tuple[tuple[str, str], ...]
    inputs: tuple[object, ...]


def inputs_of(rows: Sequence[ServiceLineRow], around: Surroundings) -> tuple[object, ...]:
    """All that the line depends on: as long as none of it changes, neither does the line."""
    scopes = _scopes(rows)
    names = {step.rota for row in rows for step in (*row.overflow, *row.closed) if step.rota is not None}
    return (
        tuple(rows),
        around.tenants.get(rows[0].tenant),
        tuple(around.hours.get(row.opening_hours) for row in rows),
        tuple(items.get(scope) for items in (around.special, around.overrides, around.notices) for scope in scopes),
        tuple(around.rotas.get(name) for name in sorted(names)),
        _missing(rows, around.names),
    )


def _missing(rows: Sequence[ServiceLineRow], names: Names) -> tuple[set[str | None], ...]:
    """Groups, trunks and rotas that the line names and that there are not."""
    steps = [step for row in rows for step in (*row.overflow, *row.closed)]
    groups: set[str | None] = {step.agent_group for step in steps}
    groups.update(row.agent_group for row in rows)
    return (
        groups - names.groups - {None},
        {step.trunk for step in steps} - names.trunks - {None},
        {step.rota for step in steps} - names.rotas - {None},
    )


def compile_line(rows: Sequence[ServiceLineRow], around: Surroundings, note: Note) -> Compiled | None:
    """The line of these rows, which are its editions; ``None`` with every problem noted."""
    inputs = inputs_of(rows, around)
    rows = sorted(rows, key=lambda row: -1e12 if row.valid_from is None else row.valid_from.timestamp())
    announcements: dict[str, str] = {}
    made = [_Edition(row, around, announcements, note).made() for row in rows]
    editions = tuple(edition for edition in made if edition is not None)
    if len(editions) < len(rows):
        return None
    editions_of([(place_of(row), edition.validity) for row, edition in zip(rows, editions, strict=True)], note)
    scopes = _scopes(rows)
    rotas = {
        link.target.rota
        for edition in editions
        for link in (*edition.overflow, *edition.closed_chain)
        if isinstance(link.target, OnCall)
    }
    tenant, name = intern(rows[0].tenant), intern(rows[0].name)
    line = ServiceLine(
        key=(tenant, name),
        tenant_name=editions[0].tenant.name,
        editions=editions,
        overrides=tuple(item for scope in scopes for item in around.overrides.get(scope, ())),
        special=tuple(item for scope in scopes for item in around.special.get(scope, ())),
        notices=tuple(item for scope in reversed(scopes) for item in around.notices.get(scope, ())),
        rotas={rota: around.rotas[rota] for rota in sorted(rotas)},
    )
    line = replace(line, boundaries=boundaries_of(line))
    for row, edition in zip(rows, editions, strict=True):
        _check_length(place_of(row), edition, line, note)
    return Compiled(line=line, announcements=announcements, forwards=tuple(_forwards(rows, editions)), inputs=inputs)


def _forwards(rows: Sequence[ServiceLineRow], editions: Sequence[Edition]) -> Iterator[tuple[str, str]]:
    for row, edition in zip(rows, editions, strict=True):
        for link in (*edition.overflow, *edition.closed_chain):
            if isinstance(link.target, Forward | DialExtension):
                yield link.target.number.removeprefix("+"), place_of(row)


def _scopes(rows: Sequence[ServiceLineRow]) -> tuple[Scope, ...]:
    """The most specific first: the line, its tenant, its hours, the centre."""
    hours: tuple[Scope, ...] = tuple(("hours", name) for name in dict.fromkeys(row.opening_hours for row in rows))
    return (("line", rows[0].tenant, rows[0].name), ("tenant", rows[0].tenant), *hours, ("centre",))


def compile_buildings(around: Surroundings) -> Mapping[str, ServiceLine]:
    """The tenants' counters, by tenant: lines that nobody can call, with the closures of their hours."""
    found: dict[str, ServiceLine] = {}
    for slug, (tenant, row) in around.tenants.items():
        hours = around.hours.get(row.building_hours or "")
        if row.building_hours is None or hours is None:
            continue
        edition = Edition(
            tenant=tenant, name="", title=tenant.name, hours_name=row.building_hours, hours=hours, queue="", priority=0,
            maximum_wait_seconds=0, after_closing=None, greeting="", closed="", closing="", agent_phrase="",
            overflow=(), closed_chain=(), validity=ALWAYS,
        )  # fmt: skip
        special = around.special.get(("hours", row.building_hours), ())
        line = ServiceLine(key=(slug, ""), tenant_name=tenant.name, editions=(edition,), special=special)
        found[slug] = replace(line, boundaries=boundaries_of(line))
    return found


class _Edition:
    """One edition being made of its row."""

    def __init__(self, row: ServiceLineRow, around: Surroundings, announcements: dict[str, str], note: Note) -> None:
        self.row, self.around, self.announcements, self.note = row, around, announcements, note
        self.place = place_of(row)

    def made(self) -> Edition | None:
        row, around = self.row, self.around
        found, hours = around.tenants.get(row.tenant), around.hours.get(row.opening_hours)
        if row.tenant not in around.names.tenants:
            self._problem(f"there is no tenant {row.tenant!r}")
        if row.opening_hours not in around.names.hours:
            self._problem(f"there are no opening hours {row.opening_hours!r}")
        if row.agent_group not in around.names.groups:
            self._problem(f"there is no agent group {row.agent_group!r}")
        problems = list(check_validity(self.place, row.valid_from, row.valid_to))
        for problem in problems:
            self.note(problem.place, problem.sentence)
        self._check_figures()
        overflow = self._chain("overflow", row.overflow)
        closed_chain = self._chain("closed", row.closed)
        if found is None or hours is None:
            return None
        tenant, texts = found
        key = (row.tenant, row.name)
        closed = row.closed_text or texts.closed_text or closed_text(tenant.name, hours[-1])
        return Edition(
            tenant=tenant,
            name=row.name,
            title=row.title,
            hours_name=row.opening_hours,
            hours=hours,
            queue=row.agent_group,
            priority=row.priority,
            maximum_wait_seconds=row.maximum_wait_seconds,
            after_closing=None if row.after_closing_minutes is None else timedelta(minutes=row.after_closing_minutes),
            greeting=self._sound(
                greeting_name(*key), row.greeting_text or texts.greeting_text or greeting_text(tenant.name)
            ),
            closed=self._sound(closed_name(*key), closed),
            closing=self._sound(closing_name(*key), row.closing_text or closing_text(tenant.name)),
            agent_phrase=row.agent_phrase or agent_phrase(tenant.name, row.title),
            overflow=overflow,
            closed_chain=closed_chain,
            validity=Validity() if problems else Validity(valid_from=row.valid_from, valid_to=row.valid_to),
        )

    def _problem(self, sentence: str) -> None:
        self.note(self.place, sentence)

    def _sound(self, name: str, text: str) -> str:
        """A later edition's words, where they differ, have a name of their own: recordings go by names."""
        if self.announcements.setdefault(name, text) != text:
            name += since_suffix(self.row.valid_from)
            self.announcements[name] = text
        return name

    def _check_figures(self) -> None:
        row = self.row
        for name, value, most in (
            ("priority", row.priority, MAXIMUM_PRIORITY),
            ("after_closing_minutes", row.after_closing_minutes or 0, MAXIMUM_SECONDS // 60),
        ):
            if not 0 <= value <= most:
                self._problem(f"{name} must be 0 to {most}, not {value}")
        if not 1 <= row.maximum_wait_seconds <= MAXIMUM_SECONDS:
            self._problem(f"maximum_wait_seconds must be 1 to {MAXIMUM_SECONDS}, not {row.maximum_wait_seconds}")

    def _chain(self, which: str, steps: tuple[StepRow, ...]) -> tuple[ChainLink, ...]:
        if len(steps) > MAXIMUM_STEPS:
            self._problem(f"{which} has {len(steps)} steps: at most {MAXIMUM_STEPS} are walked")
        links = []
        for count, step in enumerate(steps, start=1):
            sound = True
            for sentence in _step_problems(step, which, self.around.names):
                self._problem(f"{which}, step {count}: {sentence}")
                sound = False
            target = self._target(which, count, step) if sound else None
            if target is not None:
                links.append(
                    ChainLink(
                        when=step.when, after_seconds=step.after_seconds, over_seconds=step.over_seconds, target=target
                    )
                )
        return tuple(links)

    def _target(self, which: str, count: int, step: StepRow) -> Destination | OnCall | None:
        if step.kind == "agent_group":
            return EnterQueue(queue=str(step.agent_group), announcement=None)
        if step.kind == "announcement":
            name = self._sound(step_name(self.row.tenant, self.row.name, which, count), str(step.text))
            return PlayAnnouncement(announcement=name)
        if step.kind == "on_call":
            return OnCall(rota=str(step.rota), tries=step.tries, ring_seconds=step.ring_seconds)
        place = f"{self.place}.{which}[{count}]"
        number = compile_forward(place, step.number, step.trunk, self.around.names, self.note)
        if number is None or step.trunk is None:
            return None
        if step.kind == "forward":
            return Forward(number=number, trunk=step.trunk, ring_seconds=step.ring_seconds)
        return DialExtension(extension=number, number=number, trunk=step.trunk, ring_seconds=step.ring_seconds)


def _check_length(place: str, edition: Edition, line: ServiceLine, note: Note) -> None:
    """Both chains travel with every call, in one command of bounded length."""
    closed = [_length(edition.closed_chain, line), len(chain_text([_told(edition.closed)]))]
    for special in (*line.overrides, *line.special):
        if not special.opens:
            steps = [_told(special.announcement or edition.closed)]
            if special.forward_number is not None and special.forward_trunk is not None:
                target = Forward(number=special.forward_number, trunk=special.forward_trunk)
                steps.append(Step(when=(), destination=target))
            closed.append(len(chain_text(steps)))
    longest = max(closed) if edition.after_closing is not None else 0
    used = max(_length(edition.overflow, line) + longest, *closed)
    if used > MAXIMUM_CHAIN_CHARACTERS:
        note(
            place,
            f"overflow and closed take {used} characters together, and {MAXIMUM_CHAIN_CHARACTERS} fit into a call's "
            "plan: leave steps out, or give groups, trunks, tenant or line shorter names",
        )


def _told(announcement: str) -> Step:
    return Step(when=(), destination=PlayAnnouncement(announcement=announcement))


def _length(chain: Sequence[ChainLink], line: ServiceLine) -> int:
    """As text, with the most duties that its rotas ever have at once."""
    steps: list[Step] = []
    for link in chain:
        if isinstance(link.target, OnCall):
            duties = line.rotas.get(link.target.rota, ())
            most: list[Duty] = max((_at_once(duties, duty) for duty in duties), default=[], key=len)
            for duty in most:
                forward = Forward(number=duty.number, trunk=duty.trunk, ring_seconds=link.target.ring_seconds)
                steps += [Step(when=link.when, destination=forward)] * link.target.tries
        elif isinstance(link.target, EnterQueue):
            queue = replace(link.target, wait_seconds=MAXIMUM_SECONDS, expected_wait_seconds=MAXIMUM_SECONDS)
            steps.append(Step(when=link.when, destination=queue))
        else:
            steps.append(Step(when=link.when, destination=link.target))
    return len(chain_text(steps))


def _at_once(duties: Sequence[Duty], one: Duty) -> list[Duty]:
    return [duty for duty in duties if duty.start <= one.start < duty.end]


def _step_problems(step: StepRow, which: str, names: Names) -> Iterator[str]:
    if step.kind in _NOT_YET:
        yield f"{_NOT_YET[step.kind]} do not exist yet: choose one of {', '.join(_FIELDS)}"
        return
    if step.kind not in _FIELDS:
        yield f"the kind {step.kind!r} is unknown: choose one of {', '.join(_FIELDS)}"
        return
    if which == "closed" and step.kind == "agent_group":
        yield "no agent group answers while the line is closed: use an announcement, forward, desk or on_call"
    yield from _wrong_fields(step)
    yield from _wrong_conditions(step)
    if step.agent_group is not None and step.agent_group not in names.groups:
        yield f"there is no agent group {step.agent_group!r}"
    if step.rota is not None and step.rota not in names.rotas:
        yield f"there is no on-call rota {step.rota!r}"
    if not 1 <= step.tries <= MAXIMUM_TRIES:
        yield f"tries must be 1 to {MAXIMUM_TRIES}, not {step.tries}"
    if not 5 <= step.ring_seconds <= 120:
        yield f"ring_seconds must be 5 to 120, not {step.ring_seconds}"


def _wrong_fields(step: StepRow) -> Iterator[str]:
    wanted = _FIELDS[step.kind]
    for name in ("agent_group", "text", "number", "trunk", "rota"):
        given = getattr(step, name) is not None
        if name in wanted and not given:
            yield f"a step of the kind {step.kind} needs {name}"
        elif given and name not in wanted:
            yield f"a step of the kind {step.kind} has no {name}"


def _wrong_conditions(step: StepRow) -> Iterator[str]:
    for condition in step.when:
        if condition not in CONDITIONS:
            yield f"{condition!r} is no exit: write some of {', '.join(CONDITIONS)}"
    if len(set(step.when)) < len(step.when):
        yield "the same exit is named twice"
    for condition, name in (("timeout", "after_seconds"), ("expected_wait", "over_seconds")):
        value: int | None = getattr(step, name)
        if condition in step.when and value is None:
            yield f"when {condition} needs {name}"
        elif value is not None and condition not in step.when:
            yield f"{name} needs when {condition}"
        elif value is not None and not 1 <= value <= MAXIMUM_SECONDS:
            yield f"{name} must be 1 to {MAXIMUM_SECONDS}, not {value}"
