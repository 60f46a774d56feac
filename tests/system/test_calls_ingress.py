# SPDX-License-Identifier: EUPL-1.2
"""How a real call finds its line: by the number dialled, a diversion of a trusted trunk, or its ingress number.

The example's trunk ``carrier`` is trusted in its diversion headers, ``carrier-b`` is not.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import sipp
from tests.support.system import System

pytestmark = pytest.mark.system

TRUSTED, UNTRUSTED = sipp.CARRIER, "127.0.0.5"
INGRESS = "%2B4953616000"  # Hankensbüttel's
GIFHORN = "+49537182600"  # the vehicle registration office
HANKENSBUETTEL = ("samtgemeinde-hankensbuettel", "vermittlung", "ingress_number")
ZULASSUNGSSTELLE = ("landkreis-gifhorn", "zulassungsstelle", "diverted")
DIVERSION = f"<sip:{GIFHORN}@carrier.example>;reason=unconditional"


async def recognised(system: System, dialled: str, source: str, headers: dict[str, str]) -> tuple[Any, ...]:
    """Tenant, line and the first reason of a call's row: whose it is at any hour, open or closed."""
    start = len(system.ami.messages)
    await sipp.call(system, dialled=dialled, source=source, headers=headers, hang_up_after=0.1, expect=200)
    (received,) = system.ami.user_events("CallReceived", start=start)
    row = await system.ended_call(received["Uniqueid"])
    assert row["level"] == "service"
    return row["tenant"], row["service_line"], row["reasons"][0]


@pytest.mark.parametrize(
    ("dialled", "source", "headers", "expected"),
    [
        ("%2B49583283-0", TRUSTED, {}, ("samtgemeinde-hankensbuettel", "vermittlung", "number")),
        (INGRESS, TRUSTED, {}, HANKENSBUETTEL),
        (INGRESS, TRUSTED, {"Diversion": DIVERSION}, ZULASSUNGSSTELLE),
        (INGRESS, TRUSTED, {"History-Info": f"<sip:{GIFHORN}@carrier.example>;index=1"}, ZULASSUNGSSTELLE),
        (INGRESS, UNTRUSTED, {"Diversion": DIVERSION}, HANKENSBUETTEL),
        (INGRESS, UNTRUSTED, {"History-Info": f"<sip:{GIFHORN}@carrier.example>;index=1"}, HANKENSBUETTEL),
        # What was dialled comes first, and a desk's diversion would send the call back to the desk.
        ("%2B49583283-0", TRUSTED, {"Diversion": DIVERSION}, ("samtgemeinde-hankensbuettel", "vermittlung", "number")),
        (INGRESS, TRUSTED, {"Diversion": "<sip:+49537289123@carrier.example>"}, HANKENSBUETTEL),
    ],
)
async def test_every_kind_of_ingress(
    system: System, dialled: str, source: str, headers: dict[str, str], expected: tuple[str, str, str]
) -> None:
    assert await recognised(system, dialled, source, headers) == expected
