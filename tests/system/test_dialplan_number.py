# SPDX-License-Identifier: EUPL-1.2
"""The dialplan reads and writes numbers as `routing.core.numbers` does: the same through both, on a real Asterisk."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from itertools import product
from urllib.parse import quote, unquote

import pytest

from routing.core.numbers import E164, Number, NumberFormat, ShortCode, read_number, sends
from routing.core.rows import TrunkRow
from tests.support.ami_oracle import Message
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.tables import example_table

pytestmark = pytest.mark.system

PROBE = """
[probe]
exten => s,1,Gosub(number,s,1(${TEXT}))
 same => n,UserEvent(Read,Case: ${CASE},Kind: ${NUMBER_KIND},Number: ${NUMBER},Area: ${AREA})
 same => n,Hangup()
exten => send,1,Gosub(outgoing-number,s,1(${TEXT},${BY}))
 same => n,UserEvent(Read,Case: ${CASE},Number: ${URIENCODE(${OUTGOING})})
 same => n,Hangup()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    number_format: str = "national"
    own_prefix: str = ""
    area_code: str | None = None


BARE = ("national", "e164", "international", "significant")
SETTINGS = (
    *(Setting(number_format=name) for name in BARE),
    *(
        Setting(number_format=name, own_prefix=prefix)
        for name, prefix in product(("national", "international"), ("0", "99", "00"))
    ),
    *(Setting(area_code=area) for area in ("30", "531", "5372", "34205")),
    Setting(number_format="significant", area_code="5372"),
    Setting(number_format="e164", own_prefix="0", area_code="5372"),
)  # fmt: skip
TEXTS = (
    "05372 89-0", "05372/890", "+49 (5372) 89 0", "0049537289 0", "(05372)89.0", "+49 (0)5372 89-0", "+490", "+4900",
    "0+495372890", "99+495372890", "99 05372890", "9905372890", "990", "99", "9", "00", "000", "0", "005372890", "+",
    "00049537289-0", "0049537289", "+05372", "++49", "99++49", "890", "89-0", "12", "1", "11", "1150", "116117",
    "19222", "8888888888", "888888888888", "115", "0115", "00115", "99115", "+49115", "05361115", "005361115", "110",
    "5361115", "5372115", "030115", "30115", "0305115", "34205115", "034205115", "+43123456", "0043123456",
    "990043123456", "123456789012345678", "+123456789012345", "+1234567890123456",
    "abc", "99abc", "0537289\r\n0", "05372#", "٠٥",
    "0" * 64, "0" + "-" * 63, "0" + "-" * 64, "-", "0537289,0", "${CASE}", '"', "05372;ext=1",
    "tel:+49-5372-89-0", "TEL:+495372890", "Tel:+49(5372)89.0", "tel:+49-5372-89-0;phone-context=example.com",
    "tel:+49 5372/89-0;isub=1;x-carrier=a.b", "tel:05372890;phone-context=+49", "tel:05372-89-0;Phone-Context=+49",
    "tel:890;phone-context=+49-5372", "tel:890;phone-context=+4930", "tel:890;phone-context=+49531",
    "tel:890;phone-context=+495311", "tel:890;phone-context=+49(34205)", "tel:05372890;phone-context=+495361",
    "tel:890;a;phone-context=+495372;b=1", "tel:0043123456;phone-context=+49", "tel:115;phone-context=+49",
    "tel:115;phone-context=+495361", "tel:+495361115", "tel:", "tel:;phone-context=+49", "tel:05372890", "tel", "tel:x",
    "tel:05372890;phone-context=example.com", "tel:05372890;phone-context", "tel:05372890;phone-context=",
    "tel:863;phone-context=+1-914-555", "tel:0;phone-context=+49537289", "tel:0;phone-context=+495",
    "tel:890;phone-context=49", "tel:890;phone-context=x+49", "tel:890;phone-context=+49x",
    "tel:890;phone-context=+-4-9", "tel:+49537289;ext=0", "tel:+49537289;EXT", "tel:+49537289;extra=1",
    "tel:+49537289;m-carrier=x",
    "tel:+49537289;m-", "tel:890;phone-context=+495372;phone-context=+495361",
    "tel:890;phone-context;a;phone-context=+495361", "tel:890;phone-context;phone-context=+495361",
    "tel:+495372890;", "tel:+495372890;;a", "tel:+495372890;a=b c", "tel:+495372890;a=", "tel:+495372890;a=b=c",
    "tel:+4953728a", "tel:++495372890", "tel:tel:+495372890", "sip:+495372890", "tel +495372890", "xtel:+495372890",
    "tel:+495372890\n", "tel:+49537289;phone-context=+49\r\n", "tel:" + "0" * 60, "tel:" + "0" * 61,
)  # fmt: skip
SENT = ("+495372890", "+4953728", "+43123456", "+4930115115", "+12125550100", "+4915112345678")


@pytest.fixture(scope="module")
async def pbx() -> AsyncIterator[PrivateAsterisk]:
    nobody = ("127.0.0.1", free_port(socket.SOCK_STREAM))
    trunks = (
        TrunkRow(name="carrier", address="127.0.0.2", number_format="national"),
        *(
            TrunkRow(
                name=f"{name}-{prefix or 'none'}", address=f"127.0.1.{number}", number_format="national",
                sends_format=name, own_prefix=prefix,
            )
            for number, (name, prefix) in enumerate(product(BARE, ("", "0", "99")), start=1)
        ),
    )  # fmt: skip
    table = example_table(trunks=(*example_table().rows.trunks[1:], *trunks))
    async with PrivateAsterisk.start(table, fastagi=nobody, extra_dialplan=PROBE, with_astdb=False) as asterisk:
        yield asterisk


async def probe(pbx: PrivateAsterisk, exten: str, cases: list[Mapping[str, str]]) -> list[Message]:
    """What the dialplan makes of each case, in order."""
    start = len(pbx.ami.messages)
    for number, variables in enumerate(cases):
        answer = await pbx.ami.action(
            "Originate",
            Channel=f"Local/{exten}@probe/n",
            Application="Wait",
            Data="1",
            Async="true",
            Variable=",".join(f"__{name}={value}" for name, value in {"CASE": str(number), **variables}.items()),
        )
        assert answer["Response"] == "Success"
    await pbx.ami.event(start=start, UserEvent="Read", Case=str(len(cases) - 1), deadline=60)
    await pbx.no_channels_left()
    return sorted(pbx.ami.user_events("Read", start=start), key=lambda event: int(event["Case"]))


def expected(number: Number) -> tuple[str, str, str]:
    match number:
        case E164():
            return "public", number.digits, ""
        case ShortCode():
            return "short", number.code, number.area_code or ""
        case _:
            return "unreadable", "", ""


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
async def test_every_text_is_read_as_the_core_reads_it(pbx: PrivateAsterisk, setting: Setting) -> None:
    variables = {
        "TRUNK_NUMBER_FORMAT": setting.number_format,
        "TRUNK_OWN_PREFIX": setting.own_prefix,
        "TRUNK_AREA_CODE": setting.area_code or "",
    }
    events = await probe(pbx, "s", [variables | {"TEXT": quote(text, safe="")} for text in TEXTS])
    differences = []
    for text, event in zip(TEXTS, events, strict=True):
        wanted = expected(
            read_number(
                text,
                number_format=NumberFormat(setting.number_format),
                own_prefix=setting.own_prefix,
                area_code=setting.area_code,
            )
        )
        if (got := (event["Kind"], event["Number"], event["Area"])) != wanted:
            differences.append(f"{text!r}: {got} instead of {wanted}")
    assert not differences, "\n".join(differences)


async def test_every_number_is_sent_as_the_core_writes_it(pbx: PrivateAsterisk) -> None:
    cases = list(product(SENT, BARE, ("", "0", "99")))
    events = await probe(
        pbx, "send", [{"TEXT": number, "BY": f"{name}-{prefix or 'none'}"} for number, name, prefix in cases]
    )
    for (number, name, prefix), event in zip(cases, events, strict=True):
        wanted = sends(E164(digits=number[1:]), sends_format=NumberFormat(name), own_prefix=prefix)
        assert unquote(event["Number"]) == wanted, (number, name, prefix)


async def test_no_expression_was_ever_malformed(pbx: PrivateAsterisk) -> None:
    assert [line for line in pbx.logged("WARNING", "ERROR") if "ast_expr2" in line or "func_" in line] == []
