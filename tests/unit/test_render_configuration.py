# SPDX-License-Identifier: EUPL-1.2
"""Queues, devices and trunks as Asterisk's configuration: the text, and that no value becomes anything else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.ami.trunk_passwords import read_trunk_passwords
from agi.render.devices import devices_conf
from agi.render.queues import queues_conf
from agi.render.settings import RenderError, section, value
from agi.render.trunks import trunks_conf
from routing.core.rows import AgentGroupRow, AgentRow, Rows, TrunkRow
from tests.support.tables import example_rows

SECRETS = {"agent01": "one", "agent02": "t;wo"}


def trunk(address: str = "192.0.2.1", **settings: Any) -> Rows:
    return Rows(trunks=(TrunkRow(name="carrier", address=address, number_format="national", **settings),))


def read_back(line: str) -> tuple[str, str]:
    """One setting as Asterisk's parser reads it: comment off, escape off, blanks off, then at the first ``=``."""
    kept, index = "", 0
    while index < len(line):
        if line[index] == ";":
            if not kept.endswith("\\"):
                break
            kept = kept[:-1]
        kept += line[index]
        index += 1
    key, _, text = kept.strip().partition("=")
    return key.strip(), text.removeprefix(">").strip()


def test_queues() -> None:
    rows = Rows(
        agent_groups=(AgentGroupRow(name="b", title="B", maximum_waiting=7), AgentGroupRow(name="a", title="A")),
        agents=(
            AgentRow(name="second", device="phone2", agent_groups=("a",)),
            AgentRow(name="first", device="phone1", agent_groups=("a", "b")),
        ),
    )
    assert queues_conf(rows).split("\n\n")[1:] == [
        (
            "[a](agent-group)\nmaxlen = 100\n"
            "member = PJSIP/phone1,0,first,PJSIP/phone1\nmember = PJSIP/phone2,0,second,PJSIP/phone2"
        ),
        "[b](agent-group)\nmaxlen = 7\nmember = PJSIP/phone1,0,first,PJSIP/phone1\n",
    ]


def test_devices() -> None:
    assert devices_conf(example_rows(), SECRETS).split("\n\n")[2] == (
        "[agent02](device-endpoint)\nauth = agent02\naors = agent02\ncallerid = agent02 <agent02>\n"
        "[agent02](device-auth)\nusername = agent02\npassword = t\\;wo\n"
        "[agent02](device-aor)\n"
    )


def test_a_device_without_a_secret_is_refused() -> None:
    with pytest.raises(RenderError, match="'agent02' has no secret"):
        devices_conf(example_rows(), {"agent01": "x"})


def test_trunks() -> None:
    text = trunks_conf(example_rows(), {})
    assert (
        "[carrier-b](trunk-endpoint)\ncontext = from-trunk\ntransport = transport-udp\naors = carrier-b\n"
        "allow = !all,g722,alaw\nmedia_encryption = no\nset_var = TRUNK=carrier-b\n"
        "set_var = TRUNK_OTHER_ROUTE=yes\nset_var = TRUNK_NUMBER_FORMAT=e164\nset_var = TRUNK_OWN_PREFIX=\n"
        "set_var = TRUNK_AREA_CODE=\nset_var = TRUNK_SENDS_FORMAT=e164\nset_var = TRUNK_TRUSTS=no\n"
        "set_var = TRUNK_RECOGNISE=dialled~diversion~history_info~to~ingress_number\n"
        "[carrier-b](trunk-aor)\ncontact = sip:127.0.0.5\n"
        "[carrier-b](trunk-identify)\nendpoint = carrier-b\nmatch = 127.0.0.5\n"
    ) in text
    assert text.count("from-demonstration-trunk") == 1
    assert "[demonstration](trunk-endpoint)\ncontext = from-demonstration-trunk\n" in text
    assert "listener" not in text


def test_a_trunk_with_settings_of_its_own() -> None:
    text = trunks_conf(
        trunk(
            "sip.example.org:5071",
            transport="tls",
            media_encryption="sdes",
            codecs=("alaw", "ulaw"),
            own_prefix="0",
            area_code="5372",
            sends_format="national",
            trusts_diversion=True,
            recognise_by=("diversion", "dialled"),
        ),
        {},
    )
    assert "[transport-tls](tls-listener)\n" in text
    assert "tcp" not in text
    for line in (
        "transport = transport-tls", "media_encryption = sdes", "allow = !all,alaw,ulaw",
        "contact = sip:sip.example.org:5071\\;transport=tls", "match = sip.example.org", "set_var = TRUNK_OWN_PREFIX=0",
        "set_var = TRUNK_AREA_CODE=5372", "set_var = TRUNK_SENDS_FORMAT=national", "set_var = TRUNK_TRUSTS=yes",
        "set_var = TRUNK_RECOGNISE=diversion~dialled",
    ):  # fmt: skip
        assert f"\n{line}\n" in text, line
    assert "registration" not in text


def test_listeners_are_written_once_and_only_where_they_are_used() -> None:
    rows = Rows(
        trunks=tuple(
            TrunkRow(name=f"trunk{number}", address="192.0.2.1", number_format="national", transport=transport)
            for number, transport in enumerate(("tcp", "udp", "tcp"))
        )
    )
    text = trunks_conf(rows, {})
    assert text.count("[transport-tcp](tcp-listener)\n") == 1
    assert "tls" not in text


def test_a_trunk_that_registers() -> None:
    rows = trunk("sip.example.org:5070", transport="tcp", registration_user="+49536128@example.org")
    assert trunks_conf(rows, {"carrier": "pass;word"}).endswith(
        "[carrier](trunk-auth)\nusername = +49536128@example.org\npassword = pass\\;word\n"
        "[carrier](trunk-registration)\nendpoint = carrier\ntransport = transport-tcp\noutbound_auth = carrier\n"
        "server_uri = sip:sip.example.org:5070\\;transport=tcp\n"
        "client_uri = sip:%2B49536128%40example.org@sip.example.org\n"
        "contact_user = %2B49536128%40example.org\n"
    )
    assert "outbound_auth" in trunks_conf(rows, {"carrier": "x"}).split("[carrier](trunk-aor)")[0]


def test_a_trunk_without_its_password_is_there_and_does_not_register() -> None:
    text = trunks_conf(trunk(registration_user="user"), {"other": "x"})
    assert "[carrier](trunk-endpoint)\n" in text
    assert "registration" not in text
    assert "auth" not in text


def test_passwords_of_trunks(tmp_path: Path) -> None:
    names = ("none", "good", "empty", "lines", "control", "binary", "long", "blank")
    rows = Rows(
        trunks=(
            TrunkRow(name="silent", address="x", number_format="national"),
            *(TrunkRow(name=n, address="x", number_format="national", registration_user="user") for n in names),
        )
    )
    contents = {
        "silent": b"never read", "good": b"se;cret \xc3\xbc\n", "empty": b"", "lines": b"a\nb\n", "control": b"a\x01b",
        "binary": b"\xff\xfe", "long": b"x" * 300, "blank": b" x",
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / f"trunk-{name}").write_bytes(content)
    found = read_trunk_passwords(tmp_path, rows)
    assert found.found == {"good": "se;cret ü"}
    assert len(found.problems) == 7
    assert found.problems[0] == (
        f"trunks[none] does not register: {tmp_path}/trunk-none cannot be used (No such file or directory); write the "
        "password of user into it, for the owner only (mode 0600), and restart ami"
    )
    assert all("must hold one line of printable characters" in problem for problem in found.problems[1:])


@pytest.mark.parametrize(
    ("address", "contact", "match"),
    [
        ("sip.example.org:5061", "sip:sip.example.org:5061", "sip.example.org"),
        ("192.0.2.1:5080", "sip:192.0.2.1:5080", "192.0.2.1"),
        ("[2001:db8::1]:5080", "sip:[2001:db8::1]:5080", "2001:db8::1"),
    ],
)
def test_a_trunk_is_recognised_by_its_host_alone(address: str, contact: str, match: str) -> None:
    text = trunks_conf(trunk(address), {})
    assert f"contact = {contact}\n" in text
    assert f"match = {match}\n" in text


@pytest.mark.parametrize("address", ["", "a b", "x;y", "x\n", "x:0", "x:65536", "x:y", "2001:db8::1", "-x", "x,y", "@"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(RenderError, match=r"trunks\[carrier\]"):
        trunks_conf(trunk(address), {})


@pytest.mark.parametrize("name", ["a b", "a]\n[b", "ä", "", "a/b", "a&b", "x" * 81, "-a"])
def test_a_name_that_could_be_something_else_is_refused(name: str) -> None:
    rows = example_rows()
    (first, *_) = rows.agents
    with pytest.raises(RenderError):
        devices_conf(replace(rows, agents=(replace(first, device=name),)), {name: "secret"})
    with pytest.raises(RenderError):
        queues_conf(replace(rows, agent_groups=(AgentGroupRow(name=name, title="x"),)))


@pytest.mark.parametrize("text", ["", " a", "a ", "a\nb", "a\rb", "a\0b", "a\u2028b", "\t"])
def test_a_value_the_format_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(RenderError):
        value(text)


@given(st.text(min_size=1, max_size=60))
def test_a_value_is_read_back_or_refused(text: str) -> None:
    try:
        lines = section("name", "template", (("key", text),)).splitlines()
    except RenderError:
        return
    assert len(lines) == 2
    assert read_back(lines[1]) == ("key", text)


@pytest.mark.parametrize("text", [">x", "=x", "a;b", "a\\;b", ";--a--;", "#x", "a=>b", "\\", ";"])
def test_values_that_look_like_syntax(text: str) -> None:
    assert read_back(f"key = {value(text)}") == ("key", text)
