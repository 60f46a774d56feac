# SPDX-License-Identifier: EUPL-1.2
"""The dialplan's files, read as text: its contexts are the contract's, and every jump lands somewhere."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agi.fastagi.request import ARGUMENTS
from agi.fastagi.variables import NAMES, OK
from agi.render.include import include_conf
from routing.core.announcements import SYSTEM_TEXTS
from routing.core.chain import EXIT_LETTERS
from routing.core.compile import compile_table
from routing.core.decision import CONDITIONS, KINDS
from routing.core.rows import TrunkRow
from tests.support.fallback_rows import fallback_rows
from tests.support.tables import OPEN_AT, example_table

ASTERISK = Path(__file__).resolve().parents[2] / "asterisk"
QUEUE_STATUSES = {
    "TIMEOUT", "FULL", "JOINEMPTY", "LEAVEEMPTY", "JOINUNAVAIL", "LEAVEUNAVAIL", "CONTINUE", "WITHDRAW", "UNKNOWN",
}  # fmt: skip
NUMBER_KINDS = ("public", "short", "unreadable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One priority of an extension."""

    file: str
    context: str
    exten: str
    priority: int
    label: str | None
    application: str
    arguments: str

    def __str__(self) -> str:
        return f"{self.file} [{self.context}] {self.exten},{self.priority} {self.application}({self.arguments})"


def included() -> list[str]:
    """What extensions.conf includes, in order."""
    text = (ASTERISK / "extensions.conf").read_text(encoding="utf-8")
    return re.findall(r'^#include "(.+)"$', text, re.MULTILINE)


def steps() -> Iterator[Step]:
    """Every priority of every file; raises for a line that is none of the forms we use."""
    for path in sorted((ASTERISK / "dialplan").glob("*.conf")):
        context = exten = ""
        priority = 0
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line or line.startswith(";"):
                continue
            if header := re.fullmatch(r"\[([a-zA-Z0-9_-]+)\](?:\((?:!|rules-text)\))?", line):
                context = header[1]
                continue
            first = re.fullmatch(r"exten => ([^,]+),1,(\w+)\((.*)\)", line)
            more = re.fullmatch(r" same => n(?:\(([a-z-]+)\))?,(\w+)\((.*)\)", line)
            if first:
                exten, priority = first[1], 1
                application, arguments, label = first[2], first[3], None
            else:
                assert more, f"{path.name}: {line!r} is not understood"
                priority += 1
                label, application, arguments = more[1], more[2], more[3]
            yield Step(
                file=path.name, context=context, exten=exten, priority=priority, label=label,
                application=application, arguments=arguments,
            )  # fmt: skip


STEPS = tuple(steps())
CONTEXTS = {step.context for step in STEPS}


def places() -> dict[tuple[str, str], set[str]]:
    """(context, exten) → its priorities and labels, as a jump names them."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for step in STEPS:
        found[step.context, step.exten].add(str(step.priority))
        if step.label:
            found[step.context, step.exten].add(step.label)
    return found


PLACES = places()
INCLUDES = [include_conf(table, at=OPEN_AT) for table in (example_table(), compile_table(fallback_rows(), version=1))]
RULES = set(
    re.findall(
        r"^\[([a-zA-Z0-9-]+)\]\(rules-text\)$", (ASTERISK / "dialplan/rules.conf").read_text("utf-8"), re.MULTILINE
    )
)


def jumps(step: Step) -> Iterator[str]:
    """The targets named by Goto, GotoIf and Gosub, without their arguments."""
    match step.application:
        case "Goto":
            yield step.arguments
        case "Gosub":
            yield re.sub(r"\(.*\)$", "", step.arguments)
        case "GotoIf":
            branches = _after_condition(step.arguments)
            yield from (branch for branch in branches.split(":") if branch)


def _after_condition(arguments: str) -> str:
    """What follows the question mark that stands outside of every bracket."""
    depth = 0
    for index, character in enumerate(arguments):
        depth += (character in "[{") - (character in "]}")
        if character == "?" and depth == 0:
            return arguments[index + 1 :]
    raise AssertionError(f"no branch in {arguments!r}")


SOURCES = ("astdb", "include")
WAYS = ("dialled", "diversion", "history_info", "to", "ingress_number")  # decision of the trunk's row
EXPANDED = {  # what is decided at run time, from a closed list
    "number-${NUMBER_KIND},s,1": [f"number-{kind},s,1" for kind in NUMBER_KINDS],
    "chain-exit,${FAILURE},1": ["chain-exit,forward_failed,1", "chain-exit,desk_failed,1"],
    "recognise-by,${WAY},1": [f"recognise-by,{way},1" for way in WAYS],
}
# A target with a test of its own inside, of which both outcomes are extensions.
EXPANDED_CONTEXTS = {
    "queue-exit": sorted(QUEUE_STATUSES),
    "chain-exit": ["played", "not_played"],
    "meaning-of": [
        "dialled-line",
        "dialled-other",
        "dialled-desk",
        "ingress-ingress",
        "diverted-line",
        "diverted-other",
    ],
}


def expanded(target: str) -> Iterator[str]:
    """A target with a variable in it, for each value the variable can have."""
    context, _, rest = target.partition(",")
    if context == "${ARG1}":  # one of rules.conf, in which every extension is
        pass
    elif "${SOURCE}" in target:
        yield from (target.replace("${SOURCE}", source) for source in SOURCES)
    elif target in EXPANDED:
        yield from EXPANDED[target]
    elif "${" in rest and context in EXPANDED_CONTEXTS:
        yield from (f"{context},{exten},1" for exten in EXPANDED_CONTEXTS[context])
    else:
        yield target


def test_the_index_holds_nothing_but_includes() -> None:
    lines = (ASTERISK / "extensions.conf").read_text(encoding="utf-8").splitlines()
    rest = [line for line in lines if line and not line.startswith((";", "#include"))]
    assert rest == ["[general]", "static=yes", "writeprotect=yes", "autofallthrough=yes", "[globals]"]


def test_every_file_is_included_once() -> None:
    wanted = sorted(f"dialplan/{path.name}" for path in (ASTERISK / "dialplan").iterdir())
    assert sorted(name for name in included() if name.startswith("dialplan/")) == wanted


@pytest.mark.parametrize("file", sorted(ASTERISK.rglob("*.conf")), ids=lambda file: file.name)
def test_no_comment_is_longer_than_a_line_may_be(file: Path) -> None:
    comments = (line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith(";"))
    assert [line for line in comments if len(line) > 120] == []


def test_no_context_is_spread_over_files() -> None:
    files: dict[str, set[str]] = defaultdict(set)
    for step in STEPS:
        files[step.context].add(step.file)
    assert {context: names for context, names in files.items() if len(names) > 1} == {}


def test_a_reload_can_take_no_context_of_the_include_away() -> None:
    generated = {name for text in INCLUDES for name in re.findall(r"^\[(.+)\]$", text, re.MULTILINE)}
    assert generated <= RULES
    read = {found for step in STEPS for found in re.findall(r"include-text,s,1\((rules[a-z-]*)", step.arguments)}
    assert read - {"rules-number-"} <= RULES
    characters = {f"{first}{last}" for first in "0123456789" for last in "0123456789X"} | {"XX"}
    assert {name.removeprefix("rules-number-") for name in RULES if "number" in name} == characters
    asked = [step for step in STEPS if step.file == "include.conf" and "DIALPLAN_EXISTS" in step.arguments]
    assert asked == []  # what is there now may be gone a step later


def test_route_contexts_are_exactly_the_kinds_of_decision() -> None:
    assert {context for context in CONTEXTS if context.startswith("route-")} == {f"route-{kind}" for kind in KINDS}


def test_only_kinds_of_the_list_are_followed() -> None:
    tested = [
        re.fullmatch(r'\$\["\$\{ROUTE_KIND\}" = "(\w+)"\]\?route-(\w+),s,1', step.arguments)
        for step in STEPS
        if step.context == "route" and step.application == "GotoIf"
    ]
    assert [(found[1], found[2]) for found in tested if found] == [(kind, kind) for kind in KINDS]
    assert len(tested) == len(KINDS)


def test_every_queue_status_has_an_extension() -> None:
    assert {exten for context, exten in PLACES if context == "queue-exit"} == QUEUE_STATUSES


def test_every_exit_of_a_step_has_an_extension() -> None:
    letters = {
        found[1]: found[2]
        for step in STEPS
        if step.context == "chain-exit" and (found := re.match(r"EXIT=(\w+),LETTER=(\w),", step.arguments))
    }
    assert letters == EXIT_LETTERS | {"played": "p"}
    assert set(letters) == {*CONDITIONS, "played"}


def test_every_way_to_recognise_a_line_has_an_extension() -> None:
    assert {exten for context, exten in PLACES if context == "recognise-by"} == set(WAYS)
    assert set(WAYS) == set(TrunkRow(name="t", address="a", number_format="e164").recognise_by)


def test_every_kind_of_number_has_a_context() -> None:
    set_to = {
        found[1]
        for step in STEPS
        if step.context == "number" and (found := re.search(r"NUMBER_KIND=(\w+)", step.arguments))
    }
    assert set_to == set(NUMBER_KINDS)


@pytest.mark.parametrize("step", [step for step in STEPS if any(jumps(step))], ids=str)
def test_every_jump_lands(step: Step) -> None:
    for target in (item for jump in jumps(step) for item in expanded(jump)):
        parts = target.split(",")
        context, exten, priority = [*[step.context, step.exten][: 3 - len(parts)], *parts]
        assert priority in PLACES.get((context, exten), set()), f"{step}: {target} is nowhere"


@pytest.mark.parametrize("exten", [exten for exten in PLACES if exten[0] != "from-agent"], ids=str)
def test_every_extension_ends_by_itself(exten: tuple[str, str]) -> None:
    last = [step for step in STEPS if (step.context, step.exten) == exten][-1]
    ends = last.application in {"Goto", "Hangup", "Return", "NoOp"} or _both_ways(last)
    assert ends, f"{last} falls off its extension"


def _both_ways(step: Step) -> bool:
    return step.application == "GotoIf" and all(_after_condition(step.arguments).partition(":")[::2])


def test_every_application_and_function_is_loaded() -> None:
    off = set(re.findall(r"^noload=(\w+)\.so$", _modules(), re.MULTILINE))
    used = {step.application for step in STEPS}
    assert used == {
        "AGI", "Answer", "Dial", "Echo", "Gosub", "Goto", "GotoIf", "Hangup", "Log", "MSet", "NoOp", "PlayTones",
        "Playback", "Queue", "Return", "Set", "UserEvent", "Wait",
    }  # fmt: skip
    applications = ("dial", "echo", "stack", "playtones", "playback", "queue", "userevent", "verbose")
    assert not off & {"res_agi", "res_speech", *(f"app_{name}" for name in applications)}
    functions = {name for step in STEPS for name in re.findall(r"\$\{([A-Z0-9_]+)\(", step.arguments)}
    assert functions == {
        "CHANNEL", "CUT", "DB", "DIALPLAN_EXISTS", "FIELDQTY", "FILTER", "IF", "LEN", "MD5", "PJSIP_ENDPOINT",
        "PJSIP_HEADER", "QUEUE_MEMBER", "QUEUE_VARIABLES", "QUEUE_WAITING_COUNT", "REGEX", "STRPTIME", "STRREPLACE",
        "TOLOWER", "TRYLOCK", "UNLOCK", "URIDECODE", "URIENCODE",
    }  # fmt: skip
    modules = (
        "channel",
        "cut",
        "db",
        "dialplan",
        "strings",
        "logic",
        "uri",
        "callerid",
        "timeout",
        "lock",
        "md5",
        "pjsip_endpoint",
    )
    assert not off & {"res_pjsip_header_funcs", *(f"func_{name}" for name in modules)}


def _modules() -> str:
    return (ASTERISK / "modules.conf").read_text(encoding="utf-8")


def test_every_fixed_sound_is_one_of_the_systems() -> None:
    named = {
        found[1]
        for step in STEPS
        if step.application == "Playback" and (found := re.fullmatch(r"\$\{SOUNDS\}/([a-z-]+)", step.arguments))
    }
    farewells = {found[1] for step in STEPS if (found := re.search(r"FAREWELL=([a-z-]+)", step.arguments))}
    assert named | farewells == set(SYSTEM_TEXTS) - {"unknown-number"}  # that one comes as a decision's announcement


def test_the_fallback_starts_with_every_variable_of_a_decision() -> None:
    reset = {
        name
        for step in STEPS
        if step.context == "fallback-clear" and step.application == "MSet"
        for name in re.findall(r"(ROUTE_\w+)=", step.arguments)
    }
    assert reset == set(NAMES) - {OK}


def test_every_variable_of_a_decision_is_used() -> None:
    used = {name for step in STEPS for name in re.findall(r"\$\{(ROUTE_\w+)\}", step.arguments)}
    assert set(NAMES) - used == {"ROUTE_REDIRECTING"}  # for who looks at the channel


def test_received_text_is_encoded_where_it_is_read() -> None:
    for step in STEPS:
        for raw in ("${EXTEN}", "PJSIP_HEADER(read"):
            if raw in step.arguments:
                assert "${URIENCODE(${" in step.arguments, step


def test_the_url_that_asterisk_logs_holds_no_number_of_a_person() -> None:
    (question,) = (step for step in STEPS if step.application == "AGI")
    url, _, arguments = question.arguments.rpartition(",")
    assert arguments == "${NUMBERS}"
    (numbers,) = (step.arguments for step in STEPS if step.arguments.startswith("NUMBERS="))
    variables = ("CALLER", "DIVERSION", "HISTORY_INFO", "TO_NUMBER")
    written = zip(ARGUMENTS, variables, strict=True)
    assert numbers == "NUMBERS=" + ",".join(f"{key}=${{URIENCODE(${{{name}}})}}" for key, name in written)
    (query,) = (step.arguments for step in STEPS if step.arguments.startswith("QUESTION="))
    assert not re.search("|".join((*variables, "FROM", "HEADER", "NUMBERS")), url + query)


def test_agents_reach_the_echo_test_alone() -> None:
    assert {exten for context, exten in PLACES if context == "from-agent"} == {"600"}


def test_the_repository_holds_no_address_port_or_secret() -> None:
    for path in ASTERISK.rglob("*.conf"):
        for line in path.read_text(encoding="utf-8").splitlines():
            setting = line.partition(";")[0]
            assert not re.search(r"\d+\.\d+\.\d+\.\d+|secret|password|\b(?:bind|port)\s*=|/tmp|/var|/etc", setting), (
                f"{path.name}: {line}"
            )
