# SPDX-License-Identifier: EUPL-1.2
"""Thousands of questions to the dialplan's own fallback, asked by a few channels that go from one to the next.

The cases lie in AstDB below ``probe/``; each channel answers its share with one event a case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from urllib.parse import quote, unquote

from agi.ami.astdb_entries import AstDbEntries
from agi.ami.client import AmiConnection
from routing.core.table import Table
from tests.support.ami_oracle import Message
from tests.support.asterisk import PrivateAsterisk
from tests.support.fallback import ASKED, Case, trunk_variables

CHANNELS = 8
TOGETHER = 200
DEADLINE_SECONDS = 60.0
_FIELDS = ",".join(f"{name}: ${{{name}}}" for name in ASKED)
_RUNS = count(1)


def batch_probe(table: Table) -> str:
    """The dialplan that asks; ``table`` names the trunks."""
    trunks = "\n".join(
        f"exten => {row.name.replace('-', '_')},1,"
        f"MSet({','.join(f'{name}={value}' for name, value in trunk_variables(table, row.name).items())})\n"
        " same => n,Return()"
        for row in table.rows.trunks
    )
    return f"""
[probe-batch]
exten => s,1,Answer()
 same => n(next),Set(TEXT=${{DB(probe/${{RUN}}/${{NUMBER_ASKED}})}})
 same => n,GotoIf($["${{TEXT}}" = ""]?end)
 same => n,MSet(RECEIVED=${{CUT(TEXT,|,1)}},CALLER=${{CUT(TEXT,|,2)}},AT=${{CUT(TEXT,|,3)}})
 same => n,MSet(DIVERSION=${{CUT(TEXT,|,5)}},HISTORY_INFO=${{CUT(TEXT,|,6)}},TO_NUMBER=${{CUT(TEXT,|,7)}})
 same => n,Gosub(probe-trunk,${{CUT(TEXT,|,4)}},1)
 same => n,Gosub(fallback-clear,s,1)
 same => n,Gosub(${{ASKED_LEVEL}}-decide,s,1)
 same => n,UserEvent(Decided,Run: ${{RUN}},Case: ${{NUMBER_ASKED}},Why: ${{FALLBACK_CAUSE}},{_FIELDS})
 same => n,Set(NUMBER_ASKED=$[${{NUMBER_ASKED}} + {CHANNELS}])
 same => n,Goto(next)
 same => n(end),UserEvent(DecidedAll,Run: ${{RUN}})
 same => n,Hangup()

[probe-trunk]
{trunks}
"""


async def ask_all(
    pbx: PrivateAsterisk, connection: AmiConnection, cases: Sequence[Case], *, level: str = "astdb"
) -> list[Mapping[str, str]]:
    """The variables that this level sets for each case, in their order."""
    await pbx.ami.action("Events", EventMask="user")  # not one for each step of the dialplan
    found: list[Mapping[str, str]] = []
    for start in range(0, len(cases), TOGETHER):
        found += await _ask(pbx, connection, cases[start : start + TOGETHER], level)
    await pbx.ami.action("Events", EventMask="on")
    return found


async def _ask(
    pbx: PrivateAsterisk, connection: AmiConnection, cases: Sequence[Case], level: str
) -> list[Mapping[str, str]]:
    """A few at a time: Asterisk queues what its channels tell, and complains about a long queue."""
    run, entries, oracle = str(next(_RUNS)), AstDbEntries(connection, family="probe"), pbx.ami
    await entries.put_all([(f"{run}/{number}", _text(case)) for number, case in enumerate(cases)])
    start = len(oracle.messages)
    for first in range(CHANNELS):
        answer = await oracle.action(
            "Originate", Channel="Local/s@probe-batch/n", Application="Wait", Data=str(int(DEADLINE_SECONDS)),
            Async="true", Variable=f"__RUN={run},__NUMBER_ASKED={first},__ASKED_LEVEL={level}",
        )  # fmt: skip
        assert answer["Response"] == "Success"

    def ended() -> bool | None:
        found = [m for m in oracle.messages[start:] if m["UserEvent"] == "DecidedAll" and m["Run"] == run]
        return len(found) == CHANNELS or None

    await oracle.until(ended, what="every answer", deadline=DEADLINE_SECONDS)
    answers = {int(m["Case"]): m for m in oracle.messages[start:] if m["UserEvent"] == "Decided" and m["Run"] == run}
    assert len(answers) == len(cases)
    del oracle.messages[start:]
    await entries.remove_tree(run)
    return [_values(answers[number]) for number in range(len(cases))]


def _text(case: Case) -> str:
    at = quote(case.at.isoformat(), safe="")
    dialled = quote(case.dialled, safe="")
    trunk = case.trunk.replace("-", "_")
    return "|".join((dialled, case.caller, at, trunk, case.diversion, case.history_info, case.to))


def _values(event: Message) -> Mapping[str, str]:
    values = {name: event[name] for name in ASKED}
    return values | {
        "ROUTE_DIALLED": unquote(values["ROUTE_DIALLED"]),
        "ROUTE_REASONS": values["ROUTE_REASONS"].removesuffix("."),
        "WHY": event["Why"],
    }
