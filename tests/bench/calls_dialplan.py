# SPDX-License-Identifier: EUPL-1.2
"""The production dialplan once more for each other way to look a call up, with nothing changed but that one step.

::

    [from-trunk]     → [received]     → [ask-service]      AGI(agi://…)
    [from-trunk-set] → [received-set] → [ask-service-set]  the same lines, but: MSet(ROUTE_KIND=…,ROUTE_OK=v1-…)

Everything before it, behind it and beside it is production's own text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from agi.fastagi.variables import NAMES, OK, commands
from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.table import Table

DIALPLAN = Path(__file__).resolve().parents[2] / "asterisk" / "dialplan"
_COPIED = {"from-trunk": "trunk.conf", "received": "trunk.conf", "ask-service": "service.conf"}
_ASKS = re.compile(r"^( same => n,)AGI\(.*\)$", re.MULTILINE)
_MARK = "the-mark"
COLUMNS = tuple(name for name in NAMES if name != OK)


def another_way(name: str, steps: Sequence[str]) -> str:
    """The contexts ``…-name``, in which these applications stand for the question to the service."""
    text = "\n".join(_context(context, file) for context, file in _COPIED.items())
    text, count = _ASKS.subn(lambda line: "\n".join(line[1] + step for step in steps), text)
    assert count == 1, f"the dialplan asks the service {count} times"
    for context in _COPIED:
        text = re.sub(rf"(?m)(^\[|\bGoto\(){context}(?=[],])", rf"\g<0>-{name}", text)
    return text


def answered(table: Table, *, dialled: str, caller: str, trunk: str, at: datetime) -> Mapping[str, str]:
    """What the service sets for this call, all but the marker."""
    call = Call(dialled=dialled, caller=caller, trunk=trunk)
    (command,) = commands(decide(table, call, at), table, unique_id=_MARK)
    text = command.decode().removeprefix('EXEC MSet "').removesuffix('"\n')
    values = dict(pair.split("=", 1) for pair in text.split(","))
    assert tuple(values) == NAMES
    return {name: values[name] for name in COLUMNS}


def set_at_once(values: Mapping[str, str]) -> tuple[str, ...]:
    """Nobody is asked: the variables that the service would set, in the one step in which it sets them."""
    pairs = ",".join(f"{name}={value}" for name, value in values.items())
    return (f"MSet({pairs},{OK}=v1-${{UNIQUEID}})",)


def looked_up(function: str) -> tuple[str, ...]:
    """A dialplan function is asked that returns the values in their order, separated by commas."""
    return (f"Set(ARRAY({','.join(COLUMNS)})={function})", f"Set({OK}=v1-${{UNIQUEID}})")


def _context(name: str, file: str) -> str:
    text = (DIALPLAN / file).read_text(encoding="utf-8")
    found = re.search(rf"^\[{name}\]\n.*?(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"[{name}] does not stand in {file}"
    return found[0]
