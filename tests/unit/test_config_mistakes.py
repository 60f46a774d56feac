# SPDX-License-Identifier: EUPL-1.2
"""What is wrong in a file about the engine's rows: all of it, each at its own line with a remedy."""

from __future__ import annotations

import pytest

from routing.config import ConfigError, read_yaml


def problems_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, file="f.yaml")
    return str(caught.value)


def test_forty_mistakes_are_forty_problems_at_their_own_lines() -> None:
    wrong = [
        ("  - {name: x, title: X, maximum_waiting: many}", "agent_groups.maximum_waiting: expected a whole number"),
        ("  - {name: x, title: X, maximum: 3}", "agent_groups: unknown entry 'maximum'; known are name, title, max"),
        ("  - {name: [x], title: X}", "agent_groups.name: expected one value"),
        ("  - {title: X}", "agent_groups: the entry 'name' is missing"),
    ] * 10
    text = "format: 1\nagent_groups:\n" + "\n".join(line for line, _ in wrong)
    found = problems_of(text).splitlines()
    assert len(found) == len(wrong)
    for number, (problem, (_, sentence)) in enumerate(zip(found, wrong, strict=True), start=3):
        assert problem.startswith(f"f.yaml:{number}: {sentence}")


@pytest.mark.parametrize(
    "text", ["[1, 2]", "format: 1\ntrunks: [1]", "format: 1\nagents:\n- [a]", "format: 1\ncentre: x"]
)
def test_what_is_no_mapping_is_one_mistake(text: str) -> None:
    assert problems_of(text).splitlines()[0].endswith("expected entries of the form 'name: value'")
    assert len(problems_of(text).splitlines()) == 1


def line(more: str) -> str:
    return f"format: 1\ntenants:\n- slug: t\n  name: T\n  service_lines:\n  - name: l\n    {more}\n"


def block(more: str) -> str:
    return f'format: 1\ntenants:\n- slug: t\n  name: T\n  number_blocks:\n  - head_number: "+491"\n    {more}\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("format: 1\ncentre: x", "f.yaml:2: centre: expected entries"),
        ("format: 1\ncentre: {unknown: x}", "f.yaml:2: centre: unknown entry 'unknown'; known are unknown_number"),
        ("format: 1\ncentre: {unknown_number: x}", "f.yaml:2: centre.unknown_number: expected entries"),
        ("format: 1\ncentre:\n  unknown_number: {text: x}", "f.yaml:3: centre.unknown_number: unknown entry 'text'"),
        ("format: 1\noverrides: [{name: x}]", "f.yaml:2: overrides: the entry 'reason' is missing"),
        ("format: 1\noverrides: [{kind: closed}]", "f.yaml:2: overrides.kind: write closure or opening, not 'closed'"),
        ("format: 1\nnotices: [{name: x}]", "f.yaml:2: notices: the entry 'announcement_text' is missing"),
        ("format: 1\non_call_rotas: [{name: r, title: R, duties: x}]", "f.yaml:2: duties: expected a list"),
        ("format: 1\non_call_rotas: [{name: r, title: R, duties: [{rota: r}]}]", "duties: unknown entry 'rota'"),
        ("format: 1\non_call_rotas: [{name: r, title: R, duties: [{rank: a}]}]", "duties.rank: expected a whole numb"),
        ("format: 1\ningress_numbers: [{}]", "f.yaml:2: ingress_numbers: the entry 'number' is missing"),
        ("format: 1\ntrunks: [{codecs: {a: b}}]", "f.yaml:2: trunks.codecs: expected a list"),
        ("format: 1\ntrunks: [{recognise_by: [[a]]}]", "f.yaml:2: trunks.recognise_by: expected one value"),
        ("format: 1\ntrunks: [{registration_password: x}]", "unknown entry 'registration_password'; known are name"),
        (line("overflow: x"), "f.yaml:7: service_lines.overflow: expected a list"),
        (line("overflow:\n    - when: full"), "f.yaml:8: service_lines.overflow: the entry 'kind' is missing"),
        (line("overflow:\n    - {kind: x, after: 6}"), "f.yaml:8: service_lines.overflow: unknown entry 'after'; know"),
        (line("overflow:\n    - {kind: x, tries: two}"), "f.yaml:8: service_lines.overflow.tries: expected a whole"),
        (line("closed: [{kind: x, when: {a: b}}]"), "f.yaml:7: service_lines.closed.when: expected a list"),
        (
            line('closed_forward_number: "+493023125101"'),
            "f.yaml:7: service_lines: unknown entry 'closed_forward_number'; is of an older file: write closed: [",
        ),
        (block("desks: {digits: [3, x]}"), "f.yaml:7: number_blocks.desks.digits: expected a whole number, not 'x'"),
        (block("desks: {digit: 3}"), "f.yaml:7: number_blocks.desks: unknown entry 'digit'; known are digits, trunk"),
        (block("others: x"), "f.yaml:7: number_blocks: unknown entry 'others'; known are head_number, extensions"),
        *(
            (
                block(f'extensions:\n      "{extension}": x'),
                f'f.yaml:8: extensions: write one extension as "500", a range as "500-599", not {extension!r}',
            )
            for extension in ("5-", "-5", "5xx", "500–599", "500 - 599", "1-2-3", "٥٠٠")
        ),
        ("format: 1\nauthority_number: {callers: {mobil: {}}}", "unknown entry 'mobil'; known are mobile, withheld"),
        ("format: 1\nauthority_number: {callers: {mobile: x}}", "authority_number.callers.mobile: expected entries"),
        ("format: 1\nauthority_number:\n  area_codes: [{tenant: t}]", "f.yaml:3: authority_number.area_codes: the ent"),
        (
            "format: 1\nauthority_number:\n  area_codes:\n  - area_codes: [mobile]",
            "f.yaml:4: authority_number.area_codes: 'mobile' is no area code: 2 to 5 digits without the leading 0",
        ),
    ],
    ids=lambda value: value[-40:].encode("ascii", "replace").decode(),
)
def test_a_wrong_file_says_where_and_why(text: str, problem: str) -> None:
    assert problem in problems_of(text)
