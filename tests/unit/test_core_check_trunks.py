# SPDX-License-Identifier: EUPL-1.2
"""What is wrong with a trunk, all at once, each with its place and a remedy."""

from __future__ import annotations

from typing import Any

import pytest

from routing.core.check_trunks import check_trunk
from routing.core.rows import Problem, TrunkRow


def problems(**changes: Any) -> tuple[Problem, ...]:
    row = TrunkRow(**{"name": "carrier", "address": "sip.example.org", "number_format": "national"} | changes)
    found = tuple(check_trunk(row))
    assert {problem.place for problem in found} <= {"trunks[carrier]"}
    return found


def sentences(**changes: Any) -> tuple[str, ...]:
    found = problems(**changes)
    assert not any(problem.warning for problem in found)
    return tuple(problem.sentence for problem in found)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"address": "192.0.2.1:5080"},
        {"address": "[2001:db8::1]:65535"},
        {"transport": "tls", "media_encryption": "sdes", "codecs": ("ulaw", "alaw", "g722")},
        {"registration_user": "+4953612800@sip.example.org", "transport": "tcp"},
        {"own_prefix": "0", "area_code": "5372"},
        {"number_format": "e164", "area_code": "30", "sends_format": "significant"},
        {"recognise_by": ("to",), "trusts_diversion": True},
        {"recognise_by": ("ingress_number",)},
        {"demonstration": True, "address": "127.0.0.3"},
    ],
)
def test_a_trunk_as_it_should_be(changes: dict[str, Any]) -> None:
    assert problems(**changes) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        *(
            ({"address": address}, "must be a host name")
            for address in ("", "a b", "x;y", "x\n", "x:0", "x:65536", "x:y", "2001:db8::1", "-x", "x-", "x,y", "sip:x")
        ),
        *(
            ({"registration_user": user}, "registration_user")
            for user in ("", "a b", "a;b", "a\n", "a:b", "ä", "<a>", "a" * 65)
        ),
        ({"number_format": "German"}, "number_format 'German' is none of national, e164, international, significant"),
        ({"sends_format": ""}, "sends_format '' is none of"),
        ({"transport": "ws"}, "transport 'ws' is none of udp, tcp, tls"),
        ({"media_encryption": "dtls"}, "media_encryption 'dtls' is none of none, sdes"),
        ({"codecs": ()}, "codecs is empty: name at least one of g722, alaw, ulaw"),
        ({"codecs": ("alaw", "opus")}, "codecs: 'opus' is none of"),
        ({"codecs": ("alaw", "alaw", "alaw")}, "codecs names alaw 3 times"),
        ({"recognise_by": ()}, "recognise_by is empty"),
        (
            {"recognise_by": ("dialled", "from")},
            "recognise_by: 'from' is none of dialled, diversion, history_info",
        ),
        ({"recognise_by": ("dialled", "dialled")}, "recognise_by names dialled 2 times"),
        ({"recognise_by": ("diversion", "to")}, "headers alone, none of which counts here"),
        *(({"own_prefix": prefix}, "own_prefix") for prefix in ("+", "x", "0 ", "123456789", "٠", "0\n")),
        *(({"area_code": code}, "area_code") for code in ("", "05372", "3", "+49", "53725", "5372\n", "1512")),
        *(
            ({"area_code": "5372", "number_format": name}, f"no meaning with number_format {name}")
            for name in ("international", "significant")
        ),
        ({"demonstration": True}, "must be a loopback one"),
        ({"demonstration": True, "address": "127.example.org"}, "must be a loopback one"),
        ({"demonstration": True, "address": "127.0.0.3", "transport": "tcp"}, "stays on this machine"),
        ({"demonstration": True, "address": "127.0.0.3", "registration_user": "x"}, "stays on this machine"),
        ({"demonstration": True, "address": "127.0.0.3", "media_encryption": "sdes", "transport": "tls"}, "stays on"),
    ],
)
def test_one_mistake_is_one_sentence(changes: dict[str, Any], said: str) -> None:
    (sentence,) = sentences(**changes)
    assert said in sentence


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_keys_that_everybody_can_read_are_a_warning(transport: str) -> None:
    (problem,) = problems(media_encryption="sdes", transport=transport)
    assert problem.warning
    assert f"readable with transport {transport}: take tls" in problem.sentence


def test_all_mistakes_are_named_at_once() -> None:
    found = sentences(
        address="a b", number_format="x", sends_format="x", transport="x", media_encryption="x", codecs=("x",),
        recognise_by=("x",), own_prefix="x", area_code="x", registration_user=" ", demonstration=True,
    )  # fmt: skip
    assert len(found) == 11
