# SPDX-License-Identifier: EUPL-1.2
"""YAML → rows. The format is shown by ``examples/service-centre-wolfsburg.yaml``.

Every problem names the file and the line; a file with one problem yields no rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from yaml import Node, ScalarNode, SequenceNode

from routing.config.calendars import closed_dates
from routing.config.document import MAXIMUM_BYTES, ConfigError, ConfigProblem, Document
from routing.core.hours import MINUTES_PER_DAY, WEEKDAYS
from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
    AuthorityNumberRow,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    TenantRow,
    TrunkRow,
)

FORMAT = "1"
SECTIONS = ("opening_hours", "special_hours", "trunks", "agent_groups", "agents", "tenants", "authority_number")
LINE_TEXTS = ("greeting_text", "closed_text", "agent_phrase", "closed_forward_number", "closed_forward_trunk")
VALIDITY = ("valid_from", "valid_to")
SPECIAL_KINDS = ("closure", "opening")
SPECIAL_SCOPES = ("opening_hours", "tenant", "service_line")
SPECIAL_TEXTS = ("announcement_text", "forward_number", "forward_trunk")
_WINDOW = re.compile(r"(?P<start>[0-9]{2}:[0-5][0-9])-(?P<end>[0-9]{2}:[0-5][0-9])")


def read_file(path: Path) -> Rows:
    """The rows of a YAML file. Raises ``ConfigError``."""
    try:
        with path.open("rb") as file:  # bounded: /dev/zero has a size of 0 and no end
            content = file.read(MAXIMUM_BYTES + 1)
        if len(content) > MAXIMUM_BYTES:
            raise ConfigError((_whole(path, f"is larger than {MAXIMUM_BYTES // 2**20} MiB: split the file"),))
        text = content.decode("utf-8-sig")
    except OSError as error:
        reason = f"cannot be read ({error.strerror}): check the path"
        raise ConfigError((_whole(path, reason),)) from error
    except UnicodeDecodeError as error:
        raise ConfigError((_whole(path, "is not UTF-8 text: save it as UTF-8"),)) from error
    return read_yaml(text, file=str(path))


def _whole(path: Path, sentence: str) -> ConfigProblem:
    return ConfigProblem(file=str(path), line=None, sentence=sentence)


def read_yaml(text: str, *, file: str) -> Rows:
    """The rows that a YAML text means; ``file`` is its name in problems. Raises ``ConfigError``."""
    document = Document(text, file=file)
    rows = _Reader(document).rows()
    if document.problems:
        raise ConfigError(tuple(sorted(document.problems, key=lambda problem: problem.line or 0)))
    return rows


@dataclass(slots=True)
class _Reader:
    document: Document
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))
    zone_name: str = "Europe/Berlin"

    def rows(self) -> Rows:
        document = self.document
        top = document.mapping(document.root, "file", required=("format",), optional=("timezone", *SECTIONS))
        if (version := document.text(top.get("format"), "format")) != FORMAT and "format" in top:
            document.problem(top["format"], f"format {version!r} is unknown: this program reads format {FORMAT}")
        if "timezone" in top:
            self.zone_name = document.text(top["timezone"], "timezone")
            self._set_zone(top["timezone"])
        tenants = [self._tenant(node) for node in document.items(top.get("tenants"), "tenants")]
        return Rows(
            opening_hours=tuple(self._hours(n) for n in document.items(top.get("opening_hours"), "opening_hours")),
            special_hours=tuple(
                self._special_hours(n) for n in document.items(top.get("special_hours"), "special_hours")
            ),
            trunks=tuple(self._trunk(n) for n in document.items(top.get("trunks"), "trunks")),
            agent_groups=tuple(self._agent_group(n) for n in document.items(top.get("agent_groups"), "agent_groups")),
            agents=tuple(self._agent(n) for n in document.items(top.get("agents"), "agents")),
            tenants=tuple(item.tenant for item in tenants),
            service_lines=tuple(line for item in tenants for line in item.service_lines),
            number_blocks=tuple(block for item in tenants for block in item.number_blocks),
            dids=tuple(did for item in tenants for did in item.dids),
            authority_numbers=tuple(self._authority_number(top.get("authority_number"))),
        )

    def _set_zone(self, node: Node) -> None:
        try:
            self.zone = ZoneInfo(self.zone_name)
        except (ValueError, OSError, LookupError):
            self.document.problem(node, f"timezone: {self.zone_name!r} is no IANA time zone, such as Europe/Berlin")

    def _hours(self, node: Node) -> OpeningHoursRow:
        document, what = self.document, "opening_hours"
        entries = document.mapping(node, what, required=("name", "weekly"), optional=("timezone", "holidays"))
        return OpeningHoursRow(
            name=document.text(entries.get("name"), f"{what}.name"),
            timezone=document.optional_text(entries.get("timezone"), f"{what}.timezone") or self.zone_name,
            weekly=tuple(self._weekly(entries.get("weekly"))),
            **self._holidays(entries.get("holidays")),
        )

    def _holidays(self, node: Node | None) -> dict[str, Any]:
        """``DE-NI``, or ``calendar`` with dates to ``add`` (with their names) and to ``remove``."""
        document, what = self.document, "opening_hours.holidays"
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

    def _special_hours(self, node: Node) -> SpecialHoursRow:
        document, what = self.document, "special_hours"
        entries = document.mapping(
            node, what, required=("name", "title", "kind", *VALIDITY), optional=(*SPECIAL_SCOPES, *SPECIAL_TEXTS)
        )
        kind = document.text(entries.get("kind"), f"{what}.kind")
        if kind not in SPECIAL_KINDS and "kind" in entries:
            document.problem(entries["kind"], f"{what}.kind: write closure or opening, not {kind!r}")
        never = datetime(1, 1, 1, tzinfo=self.zone)  # stands for an instant that is a problem already
        instants: dict[str, Any] = {name: at or never for name, at in self._validity(entries, what).items()}
        return SpecialHoursRow(
            **self._texts(entries, what, ("name", "title")),
            opens=kind == "opening",
            **instants,
            **self._optional_texts(entries, what, (*SPECIAL_SCOPES, *SPECIAL_TEXTS)),
        )

    def _weekly(self, node: Node | None) -> list[tuple[int, int, int]]:
        document = self.document
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

    def _trunk(self, node: Node) -> TrunkRow:
        document, what = self.document, "trunks"
        required = ("name", "address", "number_format")
        entries = document.mapping(node, what, required=required, optional=("has_other_route", "demonstration"))
        return TrunkRow(
            **{key: document.text(entries.get(key), f"{what}.{key}") for key in required},
            has_other_route=document.truth(entries.get("has_other_route"), f"{what}.has_other_route"),
            demonstration=document.truth(entries.get("demonstration"), f"{what}.demonstration"),
        )

    def _agent_group(self, node: Node) -> AgentGroupRow:
        entries = self.document.mapping(node, "agent_groups", required=("name", "title"))
        return AgentGroupRow(**self._texts(entries, "agent_groups", ("name", "title")))

    def _agent(self, node: Node) -> AgentRow:
        document = self.document
        entries = document.mapping(node, "agents", required=("name",), optional=("device", "agent_groups"))
        name = document.text(entries.get("name"), "agents.name")
        groups = document.items(entries.get("agent_groups"), "agents.agent_groups")
        return AgentRow(
            name=name,
            device=document.optional_text(entries.get("device"), "agents.device") or name,
            agent_groups=tuple(document.text(item, "agents.agent_groups") for item in groups),
        )

    def _texts(self, entries: dict[str, Node], what: str, keys: tuple[str, ...]) -> dict[str, Any]:
        return {key: self.document.text(entries.get(key), f"{what}.{key}") for key in keys}

    def _optional_texts(self, entries: dict[str, Node], what: str, keys: tuple[str, ...]) -> dict[str, Any]:
        return {key: self.document.optional_text(entries.get(key), f"{what}.{key}") for key in keys}

    def _validity(self, entries: dict[str, Node], what: str) -> dict[str, Any]:
        return {key: self._instant(entries.get(key), f"{what}.{key}") for key in VALIDITY}

    def _instant(self, node: Node | None, what: str) -> datetime | None:
        if node is None:
            return None
        text = self.document.text(node, what)
        try:
            if len(text) == len("2014-10-01"):
                day = date.fromisoformat(text)
                return datetime(day.year, day.month, day.day, tzinfo=self.zone)
            instant = datetime.fromisoformat(text)
        except ValueError:
            self.document.problem(node, f"{what}: write a date as 2014-10-01 or an instant with its offset")
            return None
        if instant.tzinfo is None:
            self.document.problem(node, f"{what}: {text!r} has no offset from UTC: add one, such as +01:00")
            return None
        return instant

    def _tenant(self, node: Node) -> _TenantRows:
        document, what = self.document, "tenants"
        entries = document.mapping(
            node, what, required=("slug", "name"), optional=(*VALIDITY, "service_lines", "number_blocks")
        )
        tenant = TenantRow(**self._texts(entries, what, ("slug", "name")), **self._validity(entries, what))
        found = _TenantRows(tenant=tenant)
        for item in document.items(entries.get("service_lines"), "service_lines"):
            found.service_lines.append(self._service_line(item, tenant.slug))
        for item in document.items(entries.get("number_blocks"), "number_blocks"):
            self._number_block(item, found)
        return found

    def _service_line(self, node: Node, tenant: str) -> ServiceLineRow:
        document, what = self.document, "service_lines"
        required = ("name", "title", "opening_hours", "agent_group")
        entries = document.mapping(node, what, required=required, optional=(*LINE_TEXTS, *VALIDITY))
        return ServiceLineRow(
            tenant=tenant,
            **self._texts(entries, what, required),
            **self._optional_texts(entries, what, LINE_TEXTS),
            **self._validity(entries, what),
        )

    def _number_block(self, node: Node, found: _TenantRows) -> None:
        document, what = self.document, "number_blocks"
        entries = document.mapping(node, what, required=("head_number",), optional=("extensions", "desks"))
        head_number = document.text(entries.get("head_number"), f"{what}.head_number")
        desks = document.mapping(entries.get("desks"), f"{what}.desks", optional=("digits", "trunk"))
        found.number_blocks.append(
            NumberBlockRow(
                head_number=head_number,
                tenant=found.tenant.slug,
                desk_digits=document.integer(desks["digits"], f"{what}.desks.digits") if "digits" in desks else None,
                desk_trunk=document.optional_text(desks.get("trunk"), f"{what}.desks.trunk"),
            )
        )
        for extension, value in document.entries(entries.get("extensions"), f"{what}.extensions"):
            for item in self._meanings(value):
                found.dids.append(self._did(item, head_number, extension, found.tenant.slug))

    def _meanings(self, node: Node) -> list[Node]:
        """One line, or a list of dated ones."""
        return self.document.items(node, "extensions") if isinstance(node, SequenceNode) else [node]

    def _did(self, node: Node, head_number: str, extension: str, tenant: str) -> DidRow:
        document, what = self.document, "extensions"
        if isinstance(node, ScalarNode):
            line = document.text(node, what)
            return DidRow(head_number=head_number, extension=extension, tenant=tenant, service_line=line)
        entries = document.mapping(node, what, required=("service_line",), optional=("tenant", *VALIDITY))
        return DidRow(
            head_number=head_number,
            extension=extension,
            tenant=document.optional_text(entries.get("tenant"), f"{what}.tenant") or tenant,
            service_line=document.text(entries.get("service_line"), f"{what}.service_line"),
            **self._validity(entries, what),
        )

    def _authority_number(self, node: Node | None) -> list[AuthorityNumberRow]:
        document, what = self.document, "authority_number"
        top = document.mapping(node, what, optional=("neutral", "area_codes"))
        found: list[AuthorityNumberRow] = []
        line = ("tenant", "service_line")
        if "neutral" in top:
            entries = document.mapping(top["neutral"], f"{what}.neutral", required=line)
            found.append(AuthorityNumberRow(area_code="", **self._texts(entries, what, line)))
        for item in document.items(top.get("area_codes"), f"{what}.area_codes"):
            entries = document.mapping(item, f"{what}.area_codes", required=(*line, "area_codes"))
            target = self._texts(entries, what, line)
            found.extend(
                AuthorityNumberRow(area_code=document.text(code, f"{what}.area_codes"), **target)
                for code in document.items(entries.get("area_codes"), f"{what}.area_codes")
            )
        return found


@dataclass(slots=True)
class _TenantRows:
    """A tenant's rows while its entry is read."""

    tenant: TenantRow
    service_lines: list[ServiceLineRow] = field(default_factory=list)
    number_blocks: list[NumberBlockRow] = field(default_factory=list)
    dids: list[DidRow] = field(default_factory=list)
