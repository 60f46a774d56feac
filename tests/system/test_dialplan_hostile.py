# SPDX-License-Identifier: EUPL-1.2
"""Everything a SIP peer can set, at its worst: each text reaches a decision, and nothing raw reaches anybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from tests.support import sipp
from tests.support.ami_oracle import Ami
from tests.support.asterisk import PrivateAsterisk
from tests.support.fake_fastagi import Fails, FakeFastAgi
from tests.support.tables import example_table

pytestmark = pytest.mark.system

MAXIMUM_EXTENSION_BYTES = 79  # Asterisk cuts what was dialled


@pytest.fixture(scope="module")
async def agi() -> AsyncIterator[FakeFastAgi]:
    async with FakeFastAgi.start() as fake:
        fake.behaviour = Fails.CLOSES_AFTER_ENVIRONMENT
        yield fake


@pytest.fixture(scope="module")
async def shared(agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    async with PrivateAsterisk.start(example_table(), fastagi=agi.address) as pbx:
        yield pbx


@pytest.fixture
async def pbx(shared: PrivateAsterisk, agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    agi.environments.clear()
    agi.raw.clear()
    shared.ami.messages.clear()
    yield shared
    await shared.no_channels_left()


def asked(agi: FakeFastAgi) -> dict[str, str]:
    """What the service was asked, in the URL and in its four arguments, decoded once; what is empty is left out."""
    (environment,) = agi.environments
    lines = [environment[f"agi_arg_{position}"] for position in range(1, 5)]
    assert agi.raw[0].endswith(
        "".join(f"agi_arg_{position}: {line}\n" for position, line in enumerate(lines, start=1)).encode() + b"\n"
    )
    url, *arguments = (
        parse_qs(part, keep_blank_values=True, strict_parsing=True)
        for part in (urlsplit(environment["agi_request"]).query, *lines)
    )
    assert [list(argument) for argument in arguments] == [["caller"], ["diversion"], ["history_info"], ["to"]]
    assert not url.keys() & {"caller", "diversion", "history_info", "to"}
    found = {name: values[0] for part in (url, *arguments) for name, values in part.items()}
    return {name: value for name, value in found.items() if value or name == "caller"}


@pytest.mark.parametrize(
    "dialled",
    [
        "0537289\r\n0",
        "0537289-0\r\nEvent: AgentCalled",
        "\r\n\r\n",
        "0537289\x00123",
        "0537289-0\x00",
        "(0537289x", "x((", ")(x", "h", "s", "i", "t", "T", "a", "e", "o",
        "0537289abc", "0537289,0", "0537289-0,1,Hangup()", "${CHANNEL}", "$[1/0]", "0537289*0", "#", "*", "~",
        "0537289-0&trunk=demonstration", "0537289-0?dialled=1", '0537289"0', "0537289\\0", "0537289;0", "Bürgerbüro",
        "\u0660\u0665", "0537289%0D%0A0", "1" * 200, "0537289" + "-" * 200 + "0", "+", "++49537289", "+0537289", "000",
    ],
)  # fmt: skip
async def test_no_text_is_a_shorter_known_number(pbx: PrivateAsterisk, agi: FakeFastAgi, dialled: str) -> None:
    await sipp.observed_call(pbx, dialled=quote(dialled, safe="$*,;&?"), source=sipp.CARRIER_B, expect=404)
    (received,) = pbx.ami.user_events("CallReceived")
    (event,) = pbx.ami.user_events("CallRouted")
    before, nul, _ = dialled.partition("\0")
    wanted = before + "\ufffd" if nul else dialled[:MAXIMUM_EXTENSION_BYTES]
    assert unquote(received["Received"]) == wanted
    assert asked(agi)["dialled"] == wanted
    assert (event["Level"], event["Kind"]) == ("astdb", "reject")
    assert event["Reasons"] == "unreadable_number.unknown_number"
    assert event["Exten"] == "s"
    assert set(asked(agi)) == {"dialled", "trunk", "caller"}
    assert asked(agi)["trunk"] == "carrier-b"


@pytest.mark.parametrize(
    "dialled",
    [
        "0537289-0", "(05372) 89-0", "+49 (0)5372 89-0", "0049.5372.89.0", "+495372890", "05372/89 0", "(0537289-0",
        "))0537((289((0)",
    ],
)  # fmt: skip
async def test_separators_are_no_reason_to_refuse(pbx: PrivateAsterisk, agi: FakeFastAgi, dialled: str) -> None:
    await sipp.observed_call(
        pbx, dialled=quote(dialled, safe="()"), source=sipp.CARRIER_B, hang_up_after=0.1, expect=200
    )
    (event,) = pbx.ami.user_events("CallRouted")
    assert (event["Tenant"], event["Dialled"]) == ("samtgemeinde-meinersen", "%2B495372890")
    assert asked(agi) == {"dialled": dialled, "trunk": "carrier-b", "caller": "03023125001"}


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        ("<sip:+49-30.23125(001)@x>", "+493023125001"),
        ("sip:03023125001@x", "03023125001"),
        ("<sip:03023125001;phone-context=x@y>", "03023125001"),
        ("<tel:+493023125001>", "+493023125001"),
        ("<sips:03023125001@x:5061>", "03023125001"),
        ('"evil\\"\\\\, <sip:110@x> $[1/0] ${SHELL(id)}" <sip:03023125001@x>', "03023125001"),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>', ""),
        ("<sip:@x>", None),
        ("<sip:x.invalid>", ""),
        ("<sip:030%0d%0a23125001@x>", ""),
        ("<sip:030%0023125001@x>", ""),
        ("<sip:030231%250d@x>", ""),
        ("<sip:+49+3023125001@x>", ""),
        ("<sip:+@x>", ""),
        ("<sip:---@x>", ""),
        ("<sip:1234567890123456789012@x>", ""),
        ("<sip:${EXTEN}@x>", None),
        ("<sip:hans@x>", ""),
    ],
)
async def test_the_caller_is_a_number_or_nobody(
    pbx: PrivateAsterisk, agi: FakeFastAgi, header: str, caller: str | None
) -> None:
    if caller is None:  # no SIP: the library drops it before the dialplan
        with pytest.raises(AssertionError, match="SIPp ended"):
            await sipp.observed_call(pbx, dialled="0537288", from_header=header, source=sipp.CARRIER_B, deadline=1)
        assert pbx.ami.user_events("CallReceived") == ()
        return
    await sipp.observed_call(pbx, dialled="0537288", from_header=header, source=sipp.CARRIER_B, expect=404)
    (received,) = pbx.ami.user_events("CallReceived")
    assert unquote(received["Caller"]) == caller
    assert asked(agi)["caller"] == caller
    assert agi.environments[0]["agi_callerid"] == (caller or "anonymous")


@pytest.mark.parametrize("privacy", ["id", "user;id", "header", "critical\tx"])
async def test_privacy_hides_the_number(pbx: PrivateAsterisk, agi: FakeFastAgi, privacy: str) -> None:
    await sipp.observed_call(pbx, dialled="0537288", headers={"Privacy": privacy}, source=sipp.CARRIER_B, expect=404)
    assert pbx.ami.user_events("CallReceived")[0]["Caller"] == ""
    assert b"03023125001" not in agi.raw[0]


async def test_privacy_none_hides_nothing(pbx: PrivateAsterisk) -> None:
    await sipp.observed_call(pbx, dialled="0537288", headers={"Privacy": "none"}, source=sipp.CARRIER_B, expect=404)
    assert pbx.ami.user_events("CallReceived")[0]["Caller"] == "03023125001"


async def test_identities_that_nobody_asked_for_reach_nobody(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    marks = {
        "P-Asserted-Identity": '"EVIL" <sip:66601@x>',
        "Remote-Party-ID": '"EVIL" <sip:66602@x>;party=calling',
        "Diversion": '"EVIL" <sip:66603@x>;reason=unconditional',
        "History-Info": "<sip:66604@x>;index=1",
        "X-Amtsleitung-At": "EVIL66605",
    }
    heard = await sipp.observed_call(pbx, dialled="0537288", headers=marks, source=sipp.CARRIER_B, expect=404)
    assert "SIP/2.0 181" not in heard.messages
    everything = repr(pbx.ami.messages) + repr(agi.raw)
    assert "EVIL" not in everything
    assert "6660" not in everything


async def test_only_the_demonstration_trunk_sets_the_clock(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    await sipp.observed_call(
        pbx, dialled="0537289-0", at="2026-12-25T10:00:00+01:00", source=sipp.DEMONSTRATION, hang_up_after=0.1
    )
    assert asked(agi)["at"] == "2026-12-25T10:00:00+01:00"
    assert pbx.ami.user_events("CallRouted")[0]["Reasons"] == "number.holiday"


@pytest.mark.parametrize(
    "at", ["tomorrow", "2026-12-25T10:00:00", "$[1/0]", '"', "2025-10-31T10:00:00+01:00&caller=1", "(,"]
)
async def test_a_clock_that_cannot_be_read_is_ignored(pbx: PrivateAsterisk, agi: FakeFastAgi, at: str) -> None:
    await sipp.observed_call(pbx, dialled="0537289-0", at=at, source=sipp.DEMONSTRATION, hang_up_after=0.1, expect=200)
    assert asked(agi)["at"] == at
    assert pbx.ami.user_events("CallRouted")[0]["Reasons"] != "number.holiday"


async def test_a_forged_event_does_not_reach_the_observers_account(pbx: PrivateAsterisk) -> None:
    forged = "1\r\n\r\nEvent: UserEvent\r\nUserEvent: Forged\r\nUniqueid: 1\r\n\r\nEvent: X"
    observer = await Ami.login(pbx.ami_port, pbx.ami_user, pbx.ami_secret)
    try:
        for source in (sipp.CARRIER_B, sipp.DEMONSTRATION):
            start = len(observer.messages)
            await sipp.observed_call(pbx, dialled=quote(forged), source=source, hang_up_after=0.1)
            await observer.event(start=start, Event="Hangup")
            await observer.event(start=start, UserEvent="CallReceived", Received=quote(forged))
            assert observer.user_events("Forged") == ()
            (received,) = observer.user_events("CallReceived", start=start)
            assert {m["Uniqueid"] for m in observer.messages[start:]} - {""} == {received["Uniqueid"]}
    finally:
        await observer.close()
    assert pbx.ami.user_events("Forged")  # an account without the filter believes it
