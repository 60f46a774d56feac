# SPDX-License-Identifier: EUPL-1.2
"""YAML → rows. The format is shown by ``examples/service-centre-wolfsburg.yaml``; each noun has a module of its own.

Every problem names the file and the line; a file with one problem yields no rows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from yaml import Node

from routing.config.centre import read_authority_number, read_centre
from routing.config.document import MAXIMUM_BYTES, ConfigError, ConfigProblem, Document
from routing.config.entries import Reader
from routing.config.hours import read_notice, read_opening_hours, read_override, read_special_hours
from routing.config.numbers import read_ingress_number
from routing.config.staff import read_agent, read_agent_group, read_rota
from routing.config.tenants import read_tenant
from routing.core.rows import Rows, TrunkRow

T = TypeVar("T")

FORMAT = "1"
SECTIONS = (
    "centre",
    "opening_hours",
    "special_hours",
    "overrides",
    "notices",
    "trunks",
    "agent_groups",
    "agents",
    "on_call_rotas",
    "tenants",
    "ingress_numbers",
    "authority_number",
)


def read_file(path: Path) -> Rows:
    """The rows of a YAML file. Raises ``ConfigError``."""
    try:
        with path.open("rb") as file:  # bounded: /dev/zero has a size of 0 and no end
            content = file.read(MAXIMUM_BYTES + 1)
        if len(content) > MAXIMUM_BYTES:
            raise ConfigError((_whole(path, f"is larger than {MAXIMUM_BYTES // 2**20} MiB: split the file"),))
        text = content.decode("utf-8-sig")
    except OSError as error:
        reason = f"cannot be read ({error.strerror}): check the path"
        raise ConfigError((_whole(path, reason),)) from error
    except UnicodeDecodeError as error:
        raise ConfigError((_whole(path, "is not UTF-8 text: save it as UTF-8"),)) from error
    return read_yaml(text, file=str(path))


def _whole(path: Path, sentence: str) -> ConfigProblem:
    return ConfigProblem(file=str(path), line=None, sentence=sentence)


def read_yaml(text: str, *, file: str) -> Rows:
    """The rows that a YAML text means; ``file`` is its name in problems. Raises ``ConfigError``."""
    document = Document(text, file=file)
    rows = _rows(document)
    if document.problems:
        raise ConfigError(tuple(sorted(document.problems, key=lambda problem: problem.line or 0)))
    return rows


def _rows(document: Document) -> Rows:
    reader = Reader(document)
    top = document.mapping(document.root, "file", required=("format",), optional=("timezone", *SECTIONS))
    if (version := document.text(top.get("format"), "format")) != FORMAT and "format" in top:
        document.problem(top["format"], f"format {version!r} is unknown: this program reads format {FORMAT}")
    if "timezone" in top:
        reader.set_zone(top["timezone"])

    def each(section: str, read: Callable[[Reader, Node], T]) -> tuple[T, ...]:
        return tuple(read(reader, node) for node in document.items(top.get(section), section))

    tenants = each("tenants", read_tenant)
    rotas = each("on_call_rotas", read_rota)
    return Rows(
        centre=(read_centre(reader, top["centre"]),) if "centre" in top else (),
        opening_hours=each("opening_hours", read_opening_hours),
        special_hours=each("special_hours", read_special_hours),
        overrides=each("overrides", read_override),
        notices=each("notices", read_notice),
        trunks=each("trunks", _read_trunk),
        agent_groups=each("agent_groups", read_agent_group),
        agents=each("agents", read_agent),
        on_call_rotas=tuple(rota for rota, _ in rotas),
        on_call_duties=tuple(duty for _, duties in rotas for duty in duties),
        tenants=tuple(item.tenant for item in tenants),
        service_lines=tuple(line for item in tenants for line in item.service_lines),
        number_blocks=tuple(block for item in tenants for block in item.number_blocks),
        dids=tuple(did for item in tenants for did in item.dids),
        ingress_numbers=each("ingress_numbers", read_ingress_number),
        authority_numbers=tuple(read_authority_number(reader, top.get("authority_number"))),
    )


def _read_trunk(reader: Reader, node: Node) -> TrunkRow:
    """Every entry is named like its field; passwords stand outside the configuration."""
    values, _ = reader.row(node, "trunks", TrunkRow)
    return TrunkRow(**values)
