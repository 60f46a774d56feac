# SPDX-License-Identifier: EUPL-1.2
"""The German sentences that callers hear, and the phrase an agent answers with.

Texts of a line are made from its tenant's name and its hours unless the line brings its own. The names are file
names below the sounds folder: ``<tenant>--<line>--greeting``; those without a tenant belong to the system.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from routing.core.hours import MINUTES_PER_DAY, OpeningHours, Window

if TYPE_CHECKING:
    from routing.core.rows import AuthorityNumberRow

UNKNOWN_NUMBER = "unknown-number"
TECHNICAL_FAULT = "technical-fault"
NO_AGENT = "no-agent"
QUEUE_FULL = "queue-full"
QUEUE_TIMEOUT = "queue-timeout"
DESK_UNREACHABLE = "desk-unreachable"
FORWARD_UNREACHABLE = "forward-unreachable"

SYSTEM_TEXTS = {
    UNKNOWN_NUMBER: "Guten Tag. Diese Rufnummer ist bei uns nicht vergeben. Bitte prüfen Sie die Nummer. "
    "Die Behördennummer eins eins fünf hilft Ihnen gerne weiter.",
    TECHNICAL_FAULT: "Guten Tag. Wegen einer technischen Störung können wir Ihren Anruf gerade nicht verbinden. "
    "Bitte rufen Sie in einigen Minuten noch einmal an.",
    NO_AGENT: "Leider ist gerade kein Platz besetzt. Bitte rufen Sie später noch einmal an. Auf Wiederhören.",
    QUEUE_FULL: "Leider warten gerade sehr viele Anrufer. Bitte rufen Sie später noch einmal an. Auf Wiederhören.",
    QUEUE_TIMEOUT: "Leider konnten wir Ihren Anruf in dieser Zeit nicht annehmen. "
    "Bitte rufen Sie später noch einmal an. Auf Wiederhören.",
    DESK_UNREACHABLE: "Der gewünschte Anschluss im Rathaus ist gerade nicht erreichbar. "
    "Bitte rufen Sie später noch einmal an.",
    FORWARD_UNREACHABLE: "Ihr Anruf konnte leider nicht weiterverbunden werden. Bitte rufen Sie später noch einmal an.",
}

_DAYS = ("montags", "dienstags", "mittwochs", "donnerstags", "freitags", "samstags", "sonntags")


def greeting_name(tenant: str, line: str) -> str:
    """The sound played before the queue."""
    return f"{tenant}--{line}--greeting"


def closed_name(tenant: str, line: str) -> str:
    """The sound played outside the opening hours."""
    return f"{tenant}--{line}--closed"


def closing_name(tenant: str, line: str) -> str:
    """The sound that tells waiting callers that the line is no longer served today."""
    return f"{tenant}--{line}--closing"


def step_name(tenant: str, line: str, chain: str, count: int) -> str:
    """The sound of a step (from 1) of the chain ``overflow`` or ``closed``."""
    return f"{tenant}--{line}--{chain}-{count}"


def special_name(special: str) -> str:
    """The sound of special hours that have words of their own."""
    return f"special--{special}"


def override_name(override: str) -> str:
    """The sound of an override that has words of its own."""
    return f"override--{override}"


def notice_name(notice: str) -> str:
    """The sound of a notice."""
    return f"notice--{notice}"


def authority_name(row: AuthorityNumberRow) -> str:
    """The sound of an origin of 115 that is answered by words; a later edition has one of its own."""
    return f"authority--{row.origin.replace('_', '-')}{since_suffix(row.valid_from)}"


def since_suffix(begins: datetime | None) -> str:
    """What tells the sounds of two editions apart: the later one's beginning."""
    if begins is None:
        return ""
    try:
        at = begins.astimezone(UTC)
    except OverflowError:  # a row that begins before all time is refused, like others at the end of the check
        at = begins
    return f"--{at:%Y%m%d%H%M}" + (f"{at:%S%f}" if at.second or at.microsecond else "")


def greeting_text(tenant_name: str) -> str:
    """What a caller hears first: who has answered."""
    return f"Guten Tag. Herzlich willkommen: {tenant_name}. Bitte haben Sie einen Augenblick Geduld."


def closing_text(tenant_name: str) -> str:
    """What a caller hears who still waits when the line is no longer served."""
    return f"{tenant_name}: Unsere Servicezeit ist für heute beendet. Wir bitten um Ihr Verständnis."


def closed_text(tenant_name: str, hours: OpeningHours) -> str:
    """What a caller hears outside the hours, with the hours."""
    times = spoken_hours(hours.weekly)
    when = f"Sie erreichen uns {times}" if times else "Wir haben zurzeit keine festen Sprechzeiten"
    holidays = ", außer an gesetzlichen Feiertagen" if times and hours.holidays else ""
    return f"Guten Tag. {tenant_name}. Unser Telefon ist zurzeit nicht besetzt. {when}{holidays}. Auf Wiederhören."


def agent_phrase(tenant_name: str, line_title: str) -> str:
    """What the agent says on answering."""
    return f"{tenant_name}, {line_title}, guten Tag."


def spoken_hours(weekly: tuple[tuple[Window, ...], ...]) -> str:
    """Weekly hours as German speech; neighbouring days with the same windows are said together."""
    groups: list[tuple[int, int, tuple[Window, ...]]] = []
    for day, windows in enumerate(weekly):
        if groups and groups[-1][1] == day - 1 and groups[-1][2] == windows:
            groups[-1] = (groups[-1][0], day, windows)
        elif windows:
            groups.append((day, day, windows))
    return ", ".join(_spoken_group(first, last, windows) for first, last, windows in groups if windows)


def _spoken_group(first: int, last: int, windows: tuple[Window, ...]) -> str:
    days = _DAYS[first] if first == last else f"{_DAYS[first]} bis {_DAYS[last]}"
    times = " und ".join(f"von {_spoken_start(w.start)} bis {_spoken_time(w.end)}" for w in windows)
    return f"{days} {times}"


def _spoken_start(minutes: int) -> str:
    return _spoken_time(minutes).removesuffix(" Uhr")  # „von 7 bis 18 Uhr“, „von 7 Uhr 30 bis 18 Uhr“


def _spoken_time(minutes: int) -> str:
    hour, minute = divmod(minutes if minutes <= MINUTES_PER_DAY else minutes - MINUTES_PER_DAY, 60)
    return f"{hour} Uhr" if minute == 0 else f"{hour} Uhr {minute}"
