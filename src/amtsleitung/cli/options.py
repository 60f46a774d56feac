# SPDX-License-Identifier: EUPL-1.2
"""Options and outputs that several commands share."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from amtsleitung.errors import Problem
from amtsleitung.printable import printable

F = TypeVar("F", bound=Callable[..., Any])


class _Number(click.ParamType[int]):
    """The number of a version or a draft. One that no database can hold is refused before it is asked for."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number: int = click.INT.convert(value, param, ctx)
        if not 0 <= number < 2**31:
            self.fail(f"{value} is no number of a version or a draft.", param, ctx)
        return number


NUMBER = _Number()


def author_option(command: F) -> F:
    """Who makes a change."""
    return click.option("--author", metavar="NAME", help="Who changes it; left out: your login name.")(command)


def comment_option(command: F) -> F:
    """Why."""
    return click.option("--comment", default="", metavar="TEXT", help="Why.")(command)


def json_option(command: F) -> F:
    """For scripts."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON value instead of sentences.")(command)


def tenant_option(command: F) -> F:
    """For people of one tenant."""
    text = "What somebody who may see this tenant only sees: the rows of others are 'occupied'."
    return click.option("--tenant", metavar="SLUG", help=text)(command)


def who(author: str | None) -> str:
    """The author as given, or the login name. Raises ``Problem``."""
    if author is not None:
        if not author.strip():
            raise Problem("--author names nobody: leave it out, or give a name.")
        return author
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def tell(lines: Iterable[str]) -> None:
    """Lines for people."""
    for line in lines:
        click.echo(printable(line))


def tell_json(value: object) -> None:
    """One line for a script; ASCII, whatever the terminal."""
    click.echo(json.dumps(value))
