# SPDX-License-Identifier: EUPL-1.2
"""What a diverted call says of the number that was dialled: heard from a trusted trunk alone, and only if it is one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from routing.core.rows import TrunkRow
from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk
from tests.support.fake_fastagi import Fails, FakeFastAgi
from tests.support.tables import example_table

pytestmark = pytest.mark.system

TRUSTED, UNTRUSTED = sipp.CARRIER_B, sipp.TOWN_HALL
TRUNKS = (
    TrunkRow(name="carrier", address=sipp.CARRIER, number_format="national"),
    TrunkRow(name="trusted", address=TRUSTED, number_format="e164", has_other_route=True, trusts_diversion=True),
    TrunkRow(name="rathaus-meinersen", address=UNTRUSTED, number_format="e164", has_other_route=True),
)
INGRESS = "03023125900"
TOO_LONG = "x" * 5_000  # Asterisk reads no such header, and says so


@pytest.fixture(scope="module")
async def agi() -> AsyncIterator[FakeFastAgi]:
    async with FakeFastAgi.start() as fake:
        fake.behaviour = Fails.CLOSES_AFTER_ENVIRONMENT
        yield fake


@pytest.fixture(scope="module")
async def shared(agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    provoked = ("Not enough buffer space in pjsip_hdr_print_on",)
    async with PrivateAsterisk.start(
        example_table(trunks=TRUNKS), fastagi=agi.address, with_astdb=False, provoked=provoked
    ) as pbx:
        yield pbx


@pytest.fixture
async def pbx(shared: PrivateAsterisk, agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    agi.environments.clear()
    agi.raw.clear()
    shared.ami.messages.clear()
    yield shared
    await shared.no_channels_left()


def said(agi: FakeFastAgi) -> tuple[str, str, str]:
    """The arguments ``diversion``, ``history_info`` and ``to`` as they were sent; nothing else comes behind them."""
    (environment,) = agi.environments
    assert agi.raw[0].count(b"\nagi_arg_") == 4
    arguments = [environment[f"agi_arg_{position}"].partition("=") for position in (2, 3, 4)]
    assert [key for key, _, _ in arguments] == ["diversion", "history_info", "to"]
    diversion, history_info, to = (value for _, _, value in arguments)
    return diversion, history_info, to


async def heard(pbx: PrivateAsterisk, agi: FakeFastAgi, *headers: str, source: str = TRUSTED) -> tuple[str, str, str]:
    """What reached the service from a call with these header lines."""
    name, _, value = "\n".join(headers).partition(": ")
    call = await sipp.observed_call(pbx, dialled=INGRESS, headers={name: value}, source=source, expect=503)
    assert "SIP/2.0 181" not in call.messages  # nothing of it is told to the caller
    return said(agi)


REPEATED = (f"Diversion: <sip:+49302312510{number}@x>;reason=unconditional" for number in range(11))


@pytest.mark.parametrize(
    ("headers", "diversion"),
    [
        (["Diversion: <sip:+495372890@rathaus.invalid>;reason=unconditional;counter=1"], "%2B495372890"),
        (["Diversion: \"Rathaus\" <sip:05372-89-0@x;user=phone>;privacy=off"], "05372890"),
        (["Diversion: Rathaus <tel:+495372890>"], "%2B495372890"),
        (["Diversion: <sip:1@x>;reason=no-answer", "Diversion: <sip:05372890@x>;reason=unconditional"], "05372890"),
        (["Diversion: <sip:1@x>;reason=no-answer, <sip:2@x>, <SIP:05372890@x>"], "05372890"),
        (["Diversion: <sip:1@x>,<sip:2@x>", "Diversion: <sip:3@x>, <sip:05372890@x>"], "05372890"),
        (["Diversion: <sip:1@x>", "Diversion: <sip:anonymous@x>"], ""),  # who diverted first does not say so
        (["Diversion: <sip:05372890@x>, <sip:anonymous@x>"], ""),
        (["Diversion: <sip:05372890@x>;reason=\"<sip:1@x>\""], ""),
        ([next(REPEATED) for _ in range(10)], "%2B493023125109"),
        ([f"Diversion: <sip:{number}@x>" for number in range(11)], ""),  # nobody diverts a call so often
        (["Diversion: sip:05372890@x"], ""),  # RFC 5806 wants the brackets
        (["Diversion: <sip:0537%0d%0a2890@x>"], ""),
        (["Diversion: <sip:05372890%00@x>"], ""),
        (["Diversion: <sip:05372890%22@x>"], ""),
        (["Diversion: <sip:0537\t2890@x>"], ""),
        (["Diversion: <sip:05372890,115@x>"], ""),
        (["Diversion: <sip:05372890\\@x>"], ""),
        (["Diversion: <sip:'05372890'@x>"], ""),
        (["Diversion: <sip:05372890"], ""),
        (["Diversion: <sip:>"], ""),
        (["Diversion: <>"], ""),
        (["Diversion: <"], ""),
        (["Diversion: |<|<||"], ""),
        (["Diversion: ~~<sip:05372890@x>~"], "05372890"),
        (["Diversion: $[1/0] ${SHELL(id)} <sip:${EXTEN}@x>"], ""),
        (["Diversion: <sip:123456789012345678901@x>"], ""),
        (["Diversion: <sip:12345678901234567890@x>"], "12345678901234567890"),
        (["Diversion: <sip:++495372890@x>"], ""),
        (["Diversion: <sip:+@x>"], ""),
        (["Diversion: <sip:05372890@x>, <sip:1@x>\x01\x7f"], "1"),
        (["Diversion: \"a\x02b\n\tc\" <sip:05372890@x>"], "05372890"),  # a folded line
        ([f"Diversion: <sip:05372890@{TOO_LONG}>"], ""),
    ],
)  # fmt: skip
async def test_the_number_that_was_diverted_first(
    pbx: PrivateAsterisk, agi: FakeFastAgi, headers: list[str], diversion: str
) -> None:
    assert await heard(pbx, agi, *headers) == (diversion, "", INGRESS)


@pytest.mark.parametrize(
    ("headers", "history_info"),
    [
        (
            [
                "History-Info: <sip:+495372890@x?Reason=SIP%3Bcause%3D302>;index=1, <sip:1@x>;index=1.1;mp=1",
                "History-Info: <sip:2@x>;index=1.2",
            ],
            "%2B495372890",
        ),
        (["History-Info: \"Rathaus\" <sip:05372890@x>;index=1", "History-Info: <sip:2@x>;index=1.2"], "05372890"),
        (["History-Info: <sip:anonymous@x>;index=1, <sip:05372890@x>;index=1.1"], ""),
        (["History-Info: \"<sip:1@x>\" <sip:05372890@x>;index=1"], ""),
        (["History-Info: <sip:05372890%0a@x>;index=1"], ""),
        (["History-Info: <sip:05372890@x;a=\"<sip:1@x>\">;index=1"], "05372890"),
        (["History-Info: none"], ""),
        ([f"History-Info: <sip:05372890@{TOO_LONG}>;index=1"], ""),
    ],
)  # fmt: skip
async def test_the_number_at_which_the_history_begins(
    pbx: PrivateAsterisk, agi: FakeFastAgi, headers: list[str], history_info: str
) -> None:
    assert await heard(pbx, agi, *headers) == ("", history_info, INGRESS)


async def test_no_number_of_an_untrusted_trunk_is_read(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    headers = ("Diversion: <sip:+495372890@x>", "History-Info: <sip:+495372891@x>;index=1")
    assert await heard(pbx, agi, *headers, source=UNTRUSTED) == ("", "", "")
    assert b"49537289" not in agi.raw[0]
    assert "49537289" not in repr(pbx.ami.messages)
    agi.environments.clear()
    agi.raw.clear()
    assert await heard(pbx, agi, *headers) == ("%2B495372890", "%2B495372891", INGRESS)


async def test_a_call_that_nobody_diverted(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    await sipp.observed_call(pbx, dialled=INGRESS, source=TRUSTED, expect=503)
    assert said(agi) == ("", "", INGRESS)


@pytest.mark.parametrize(
    ("dialled", "to"),
    [
        ("+495372890", "%2B495372890"),
        ("(05372)89-0", "05372890"),
        ("rathaus", ""),
        ("05372890%0d%0a", ""),
        ("05372890%00", ""),
        ("1" * 21, ""),
    ],
)
async def test_the_number_in_to(pbx: PrivateAsterisk, agi: FakeFastAgi, dialled: str, to: str) -> None:
    await sipp.observed_call(pbx, dialled=dialled, source=TRUSTED, expect=503)
    assert said(agi) == ("", "", to)


async def test_no_expression_was_ever_malformed(pbx: PrivateAsterisk) -> None:
    assert [line for line in pbx.logged("WARNING", "ERROR") if "ast_expr2" in line or "func_" in line] == []
