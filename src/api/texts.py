# SPDX-License-Identifier: EUPL-1.2
"""Every text that a person reads on a page, in German and English. A missing one is a type error.

``{name}`` in a text of ``ScriptTexts`` is filled in by the page's script.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

Language = Literal["de", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptTexts:
    """What the agent page's script says."""

    connected: str
    connecting: str
    lost: str
    waiting_heading: str
    waiting_words: str
    lost_heading: str
    lost_words: str
    ringing: str
    talking: str
    say: str
    caller: str
    withheld: str
    unknown_caller: str
    dialled: str
    building: str
    building_open: str
    building_open_until: str
    building_closed: str
    building_opens: str
    waiting_time: str
    talking_time: str
    unknown_tenant: str
    unknown_line: str
    announcement: str
    withdrawn_elsewhere: str
    withdrawn_abandoned: str
    withdrawn_no_answer: str
    withdrawn: str
    ended: str
    answered_here: str
    no_recent: str
    title_ringing: str
    title_talking: str
    title_lost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """All texts of one language."""

    language: Language
    other_language: Language
    other_language_name: str
    product: str
    claim: str
    skip: str
    agent: str
    overview: str
    agent_heading: str
    recent_heading: str
    script_needed: str
    overview_heading: str
    overview_words: str
    agents_heading: str
    no_agents: str
    tenants_heading: str
    state_heading: str
    state_live: str
    state_lost: str
    version: str
    no_version: str
    back: str
    not_found_heading: str
    not_found_words: str
    agent_unknown_heading: str
    agent_unknown_words: str
    unavailable_heading: str
    unavailable_words: str
    no_configuration_heading: str
    no_configuration_words: str
    error_heading: str
    error_words: str
    script: ScriptTexts


GERMAN = Texts(
    language="de",
    other_language="en",
    other_language_name="English",
    product="Amtsleitung",
    claim="Telefonservice für mehrere Kommunen",
    skip="Zum Anruf springen",
    agent="Platz",
    overview="Übersicht",
    agent_heading="Anrufe an Platz",
    recent_heading="Zuletzt an diesem Platz",
    script_needed="Diese Seite braucht JavaScript, um Anrufe anzuzeigen. Ihr Telefon zeigt, für wen der Anruf ist.",
    overview_heading="Übersicht",
    overview_words="Die Seite eines Platzes zeigt beim Klingeln, für wen der Anruf ist und womit man sich meldet.",
    agents_heading="Plätze",
    no_agents="Es sind noch keine Plätze eingerichtet.",
    tenants_heading="Wir melden uns für",
    state_heading="Zustand",
    state_live="Anrufe werden live angezeigt.",
    state_lost="Die Verbindung zur Datenbank fehlt; Anrufe werden gerade nicht angezeigt.",
    version="Fassung der Einstellungen:",
    no_version="Es sind noch keine Einstellungen geladen.",
    back="Zur Übersicht",
    not_found_heading="Diese Seite gibt es nicht",
    not_found_words="Vielleicht ist die Adresse vertippt. In der Übersicht finden Sie alle Plätze.",
    agent_unknown_heading="Diesen Platz gibt es nicht",
    agent_unknown_words="Unter diesem Namen ist kein Platz eingerichtet. In der Übersicht finden Sie alle Plätze.",
    unavailable_heading="Gerade nicht erreichbar",
    unavailable_words="Die Datenbank antwortet nicht. Bitte versuchen Sie es gleich wieder. Anrufe kommen weiter an.",
    no_configuration_heading="Noch keine Einstellungen",
    no_configuration_words="Die Einstellungen sind noch nicht geladen. Bitte versuchen Sie es gleich noch einmal.",
    error_heading="Das hat nicht geklappt",
    error_words="Bitte versuchen Sie es noch einmal. In der Übersicht finden Sie alle Plätze.",
    script=ScriptTexts(
        connected="Verbunden",
        connecting="Verbindung wird aufgebaut",
        lost="Keine Verbindung",
        waiting_heading="Bereit für Anrufe",
        waiting_words="Sobald Ihr Telefon klingelt, steht hier, für wen der Anruf ist.",
        lost_heading="Verbindung unterbrochen",
        lost_words="Anrufe werden hier gerade nicht angezeigt. Ihr Telefon klingelt trotzdem und zeigt, für wen der "
        "Anruf ist. Die Seite verbindet sich von selbst wieder.",
        ringing="Anruf für",
        talking="Im Gespräch für",
        say="Bitte melden Sie sich mit",
        caller="Anrufer",
        withheld="unterdrückt",
        unknown_caller="nicht übermittelt",
        dialled="Gewählte Nummer",
        building="Rathaus",
        building_open="offen",
        building_open_until="offen bis {until}",
        building_closed="geschlossen",
        building_opens="öffnet {until}",
        waiting_time="Wartezeit",
        talking_time="Gesprächsdauer",
        unknown_tenant="Unbekannter Mandant",
        unknown_line="Unbekannter Anschluss",
        announcement="Anruf für {tenant}, {line}. Anrufer: {caller}. {phrase}",
        withdrawn_elsewhere="Der Anruf für {tenant} wurde an einem anderen Platz angenommen.",
        withdrawn_abandoned="Der Anruf für {tenant} wurde vom Anrufer beendet.",
        withdrawn_no_answer="Der Anruf für {tenant} klingelt hier nicht mehr.",
        withdrawn="Der Anruf für {tenant} ist hier beendet.",
        ended="Das Gespräch für {tenant} ist beendet.",
        answered_here="angenommen, {duration}",
        no_recent="Noch keine Anrufe.",
        title_ringing="☎ {tenant}",
        title_talking="Im Gespräch",
        title_lost="Keine Verbindung",
    ),
)

ENGLISH = Texts(
    language="en",
    other_language="de",
    other_language_name="Deutsch",
    product="Amtsleitung",
    claim="Telephone service for several municipalities",
    skip="Skip to the call",
    agent="Desk",
    overview="Overview",
    agent_heading="Calls at desk",
    recent_heading="Recently at this desk",
    script_needed="This page needs JavaScript to show calls. Your telephone shows for whom the call is.",
    overview_heading="Overview",
    overview_words="A desk’s page says for whom a call is, and how to answer it, while the telephone rings.",
    agents_heading="Desks",
    no_agents="No desks are set up yet.",
    tenants_heading="We answer for",
    state_heading="State",
    state_live="Calls are shown live.",
    state_lost="The database is not connected; calls are not shown at present.",
    version="Version of the settings:",
    no_version="No settings are loaded yet.",
    back="To the overview",
    not_found_heading="There is no such page",
    not_found_words="Perhaps the address is mistyped. The overview lists all desks.",
    agent_unknown_heading="There is no such desk",
    agent_unknown_words="No desk is set up under this name. The overview lists all desks.",
    unavailable_heading="Not available at present",
    unavailable_words="The database does not answer. Please try again in a moment. Calls still come in.",
    no_configuration_heading="No settings yet",
    no_configuration_words="The settings are not loaded yet. Please try again in a moment.",
    error_heading="That did not work",
    error_words="Please try again. The overview lists all desks.",
    script=ScriptTexts(
        connected="Connected",
        connecting="Connecting",
        lost="No connection",
        waiting_heading="Ready for calls",
        waiting_words="As soon as your telephone rings, this page says for whom the call is.",
        lost_heading="Connection lost",
        lost_words="Calls are not shown here at present. Your telephone rings all the same and shows for whom the "
        "call is. The page reconnects by itself.",
        ringing="Call for",
        talking="Talking for",
        say="Please answer with",
        caller="Caller",
        withheld="withheld",
        unknown_caller="not transmitted",
        dialled="Dialled number",
        building="Town hall",
        building_open="open",
        building_open_until="open until {until}",
        building_closed="closed",
        building_opens="opens {until}",
        waiting_time="Waiting time",
        talking_time="Call duration",
        unknown_tenant="Unknown tenant",
        unknown_line="Unknown line",
        announcement="Call for {tenant}, {line}. Caller: {caller}. {phrase}",
        withdrawn_elsewhere="The call for {tenant} was answered at another desk.",
        withdrawn_abandoned="The caller hung up the call for {tenant}.",
        withdrawn_no_answer="The call for {tenant} no longer rings here.",
        withdrawn="The call for {tenant} is over here.",
        ended="The call for {tenant} has ended.",
        answered_here="answered, {duration}",
        no_recent="No calls yet.",
        title_ringing="☎ {tenant}",
        title_talking="Talking",
        title_lost="No connection",
    ),
)


def texts_in(language: Language) -> Texts:
    """The texts of a language."""
    match language:
        case "de":
            return GERMAN
        case "en":
            return ENGLISH
        case never:
            assert_never(never)


def language_of(asked: str | None, accept_language: str | None) -> Language:
    """The language asked for by ``?lang=``, else the first of ours that the browser accepts, else German."""
    if asked == "de":
        return "de"
    if asked == "en":
        return "en"
    weighted: list[tuple[float, int, Language]] = []
    for place, part in enumerate((accept_language or "").split(",")[:32]):
        tag, _, weight = part.strip().lower().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        primary = tag.partition("-")[0]
        if quality > 0 and primary == "de":
            weighted.append((-quality, place, "de"))
        elif quality > 0 and primary == "en":
            weighted.append((-quality, place, "en"))
    return min(weighted)[2] if weighted else "de"
