# SPDX-License-Identifier: EUPL-1.2
"""A YAML document whose every value knows its line, and a reader that collects problems instead of stopping.

Scalars are read as they are written (``115`` and ``"115"`` are the same text), so YAML's own guesses about numbers,
dates and truth never touch a telephone number. Anchors, aliases and tags are refused: a few lines of aliases can mean
billions of values, and nobody reading the file would see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

_NOTHING: Mapping[str, str] = {}
MAXIMUM_BYTES = 4 * 1024 * 1024
MAXIMUM_VALUES = 200_000
MAXIMUM_DEPTH = 20
MAXIMUM_PROBLEMS = 100
_NULL = "tag:yaml.org,2002:null"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing wrong in a file: the file's name, the line (from 1; ``None`` for the whole file), a sentence."""

    file: str
    line: int | None
    sentence: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.sentence}"


class ConfigError(Exception):
    """The file cannot be used; ``problems`` lists everything found."""

    def __init__(self, problems: tuple[ConfigProblem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Document:
    """One YAML document being read; ``problems`` grows as values turn out wrong."""

    def __init__(self, text: str, *, file: str) -> None:
        self.file = file
        self.problems: list[ConfigProblem] = []
        self.root = self._compose(text)

    def problem(self, node: yaml.Node | None, sentence: str) -> None:
        """Notes that the value at ``node`` is wrong; a file full of mistakes shows the first hundred."""
        if len(self.problems) >= MAXIMUM_PROBLEMS:
            return
        line = node.start_mark.line + 1 if node is not None else None
        self.problems.append(ConfigProblem(file=self.file, line=line, sentence=sentence))

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            if (problem := self._unwanted(text)) is not None:
                raise ConfigError((problem,))
            return yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = error.problem or error.context or "not readable"
            line = mark.line + 1 if mark else None
            problem = ConfigProblem(file=self.file, line=line, sentence=f"this is not YAML: {what}")
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            reason = str(error).splitlines()[0]
            problem = ConfigProblem(file=self.file, line=None, sentence=f"this is not YAML: {reason}")
        raise ConfigError((problem,))

    def _unwanted(self, text: str) -> ConfigProblem | None:
        """The first thing that makes the file costly to read or other than it looks, found before it is built."""
        depth = values = 0
        for event in yaml.parse(text, Loader=_LOADER):
            sentence = None
            tag = getattr(event, "tag", None)
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                sentence = "anchors (&) and aliases (*) are not read here: write the value out"
            elif tag not in {None, "!"}:
                sentence = f"the tag {tag!r} is not read here: write the plain value"
            values += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAXIMUM_DEPTH:
                sentence = f"nested more than {MAXIMUM_DEPTH} levels deep: this is no configuration of ours"
            elif values > MAXIMUM_VALUES:
                sentence = f"more than {MAXIMUM_VALUES} values: split the file"
            if sentence is not None:
                line = event.start_mark.line + 1 if event.start_mark else None
                return ConfigProblem(file=self.file, line=line, sentence=sentence)
        return None

    def mapping(
        self,
        node: yaml.Node | None,
        what: str,
        *,
        required: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        formerly: Mapping[str, str] = _NOTHING,
    ) -> dict[str, yaml.Node]:
        """The entries of a mapping with known keys; unknown, missing and doubled ones are problems.

        ``formerly`` tells of keys that older files have what is written now.
        """
        entries = dict(self.entries(node, what))
        known = (*required, *optional)
        for key in entries.keys() - set(known):
            remedy = f"is of an older file: {formerly[key]}" if key in formerly else f"known are {', '.join(known)}"
            self.problem(entries.pop(key), f"{what}: unknown entry {key!r}; {remedy}")
        if not entries and node is not None and not isinstance(node, yaml.MappingNode) and node.tag != _NULL:
            return {}  # told already: it is no mapping at all
        for key in required:
            if key not in entries:
                self.problem(node, f"{what}: the entry {key!r} is missing")
            elif entries[key].tag == _NULL:
                self.problem(entries[key], f"{what}: the entry {key!r} is empty")
        return {key: value for key, value in entries.items() if value.tag != _NULL}

    def entries(self, node: yaml.Node | None, what: str) -> Iterator[tuple[str, yaml.Node]]:
        """Key and value of every entry of a mapping with free keys."""
        if node is None or node.tag == _NULL:
            return
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, f"{what}: expected entries of the form 'name: value'")
            return
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.problem(key, f"{what}: an entry's name must be a plain word")
            elif key.value in seen:
                self.problem(key, f"{what}: the entry {key.value!r} occurs twice")
            else:
                seen.add(key.value)
                yield key.value, value

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """The items of a list; nothing at all is an empty list."""
        if node is None or node.tag == _NULL:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.problem(node, f"{what}: expected a list")
            return []
        return list(node.value)

    def text(self, node: yaml.Node | None, what: str) -> str:
        """A scalar as it is written; '' (and a problem) for anything else."""
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            self.problem(node, f"{what}: expected one value")
            return ""
        return str(node.value)

    def optional_text(self, node: yaml.Node | None, what: str) -> str | None:
        """A scalar as it is written, or ``None`` where there is none."""
        return None if node is None else self.text(node, what)

    def truth(self, node: yaml.Node | None, what: str) -> bool:
        """``true`` or ``false``; absent is false."""
        if node is None:
            return False
        value = self.text(node, what)
        if value not in {"true", "false"}:
            self.problem(node, f"{what}: write true or false, not {value!r}")
        return value == "true"

    def integer(self, node: yaml.Node | None, what: str) -> int:
        """A whole number in decimal digits."""
        value = self.text(node, what)
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            self.problem(node, f"{what}: expected a whole number, not {value!r}")
            return 0
        return int(value)
