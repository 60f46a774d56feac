# SPDX-License-Identifier: EUPL-1.2
"""The generated include: plain text that Asterisk can read. That it decides as the service does: a system test."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from agi.render.include import DATED_DAYS, MAXIMUM_TEXT_CHARACTERS, include_conf, include_digest, line_key
from routing.core.compile import compile_table
from routing.core.rows import OverrideRow
from tests.support.fallback_rows import CENTRE, fallback_rows
from tests.support.tables import OPEN_AT, example_table

LINE = re.compile(r"exten => ([0-9A-Za-z_]+),1,Return\(([A-Za-z0-9:~.%_|/-]*)\)")
ISENBUETTEL = ("samtgemeinde-isenbuettel", "vermittlung")
MAXIMUM_NAME = 79  # Asterisk's, of contexts and extensions


def texts(text: str) -> dict[tuple[str, str], str]:
    """Context and extension → what it returns."""
    found: dict[tuple[str, str], str] = {}
    context = ""
    first, *lines, end = text.splitlines()
    assert first.startswith("; ")
    assert end == "; end"
    for line in lines:
        if header := re.fullmatch(r"\[(rules[a-z0-9A-Z-]*)\]", line):
            context = header[1]
            assert len(context) <= MAXIMUM_NAME
            continue
        exten = LINE.fullmatch(line)
        assert exten, line
        assert len(exten[1]) <= MAXIMUM_NAME
        assert len(exten[2]) <= MAXIMUM_TEXT_CHARACTERS
        assert (context, exten[1]) not in found
        found[context, exten[1]] = exten[2]
    return found


def test_layout_of_the_example() -> None:
    found = texts(include_conf(example_table(version=9), at=OPEN_AT))
    assert found["rules", "version"] == "9"
    assert found["rules", "wildcards"] == "0~3"
    meinersen = "0:99999999999:line:samtgemeinde-meinersen:einwohnermeldewesen"
    assert found["rules-number-00", "49537289500"] == meinersen
    assert found["rules-origin", "neutral"] == "0:99999999999:member:line:behoerdennummer-115:115"
    edition = found["rules-line", line_key(ISENBUETTEL)]
    start, end, hours, opened, closed = edition.split(":")
    assert (int(start) > 0, end, hours) == (True, "99999999999", "service")
    plans = {name: found["rules-plan", name] for name in (opened, closed)}
    assert plans[opened].startswith("enter_queue:allgemein:")
    assert plans[opened].endswith("|Samtgemeinde%20Isenb%C3%BCttel%2C%20Vermittlung%2C%20guten%20Tag.")
    assert plans[closed] == "forward::::::493023125100:carrier:30::||"
    _, _, week, zone, holidays = found["rules-hours", "service"].split(":")
    assert found["rules-week", week].startswith("420-1080~1860-2520")  # Monday and Tuesday from 7 to 18
    assert found["rules-zone", zone].startswith("0/3600~1806195600/7200~")  # 28 March 2027
    christmas = str(int(OPEN_AT.replace(month=12, day=25).timestamp()) // 86_400)
    assert found["rules-holiday", f"{holidays}_{christmas}"] == "holiday"
    assert not any(context.startswith("rules-days") for context, _ in found)


def test_everything_fits_and_is_plain() -> None:
    rows = fallback_rows()
    longest = replace(rows.service_lines[0], name="x" * 40, title="ü" * 80)
    table = compile_table(replace(rows, service_lines=(*rows.service_lines, longest), centre=(CENTRE,)), version=1)
    found = texts(include_conf(table, at=OPEN_AT))
    assert found["rules", "unknown"] == "stadt-wolfsburg:amt"
    for (context, _), text in found.items():
        if context == "rules-line":
            for edition in text.split("~"):
                assert all(("rules-plan", digest) in found for digest in edition.split(":")[3:] if digest)


def test_only_lines_with_something_dated_have_days() -> None:
    def days(hours: int) -> set[tuple[str, str]]:
        override = OverrideRow(
            name="storm", opens=False, reason="r", author="a", tenant="samtgemeinde-isenbuettel",
            valid_from=OPEN_AT + timedelta(hours=hours), valid_to=OPEN_AT + timedelta(hours=hours + 1),
        )  # fmt: skip
        found = texts(include_conf(example_table(overrides=(override,)), at=OPEN_AT))
        return {key for key in found if key[0].startswith("rules-days")}

    theirs = {key for key in example_table().lines if key[0] == ISENBUETTEL[0]}
    assert days(1) == {("rules-days", line_key(key)) for key in theirs}
    assert days(24 * DATED_DAYS) == set()


def test_a_file_says_whether_it_is_whole_and_whether_it_says_something_new() -> None:
    one, other = (include_conf(example_table(version=version), at=OPEN_AT) for version in (1, 2))
    assert include_digest(one) == include_digest(other) != ""
    assert include_digest(one[: len(one) // 2]) == ""
    assert include_digest("") == ""
    changed = example_table(dids=example_table().rows.dids)
    assert include_digest(include_conf(changed, at=OPEN_AT)) != include_digest(one)


def test_the_same_rules_have_the_same_digest_in_whatever_order_they_came() -> None:
    rows = fallback_rows()
    turned = replace(
        rows,
        **{
            name: tuple(reversed(getattr(rows, name)))
            for name in ("tenants", "opening_hours", "service_lines", "number_blocks", "dids", "authority_numbers")
        },
    )
    one, other = (compile_table(each, version=1) for each in (rows, turned))
    assert list(one.lines) != list(other.lines)
    assert include_conf(one, at=OPEN_AT) == include_conf(other, at=OPEN_AT)
