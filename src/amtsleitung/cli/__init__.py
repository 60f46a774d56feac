# SPDX-License-Identifier: EUPL-1.2
"""The command line. Each command imports what it needs only when it runs: the call path must stay light."""

from __future__ import annotations

import os
import sys

import click

from amtsleitung.cli.configuration import export_command, import_command, migrate_command, pending_command
from amtsleitung.cli.containers import demonstrate_command, prepare_command
from amtsleitung.cli.drafts import draft_group
from amtsleitung.cli.fallbacks import fallbacks_command
from amtsleitung.cli.overrides import override_group
from amtsleitung.cli.people import person_group
from amtsleitung.cli.pops import pops_command
from amtsleitung.cli.publishing import check_command, publish_command, rollback_command
from amtsleitung.cli.routes import route_command
from amtsleitung.cli.running import call_command, doctor_command, restart_command, run_command, status_command
from amtsleitung.cli.services import serve_group
from amtsleitung.cli.testing import test_command
from amtsleitung.cli.unknown_numbers import unknown_numbers_command
from amtsleitung.cli.versions import diff_command, versions_command
from amtsleitung.errors import Problem


class _Program(click.Group):
    """Turns a ``Problem`` into its sentence: a user's mistake never shows a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            click.echo(f"amtsleitung: {problem}", err=True)
            ctx.exit(problem.exit_code)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="amtsleitung")
def program() -> None:
    """Telephony routing for municipalities that share one telephone service centre.

    \b
    Start here:
      ./amtsleitung run            everything, with a demonstration call (evaluation and development)
      ./amtsleitung route "05372 89-0" --at 2026-11-23T10:00+01:00
                                   what would happen to this call, and why
      ./amtsleitung doctor         what is wrong, and what to do

    Every setting is an environment variable AMTSLEITUNG_…; .env.example explains them.
    """


for command in (
    run_command,
    restart_command,
    status_command,
    test_command,
    serve_group,
    migrate_command,
    import_command,
    export_command,
    pending_command,
    draft_group,
    check_command,
    diff_command,
    publish_command,
    rollback_command,
    override_group,
    versions_command,
    person_group,
    route_command,
    call_command,
    unknown_numbers_command,
    fallbacks_command,
    pops_command,
    doctor_command,
    prepare_command,
    demonstrate_command,
):
    program.add_command(command)


def main() -> None:
    """The installed command ``amtsleitung``."""
    try:
        program(prog_name="amtsleitung")
    except BrokenPipeError:  # the reader of our output has gone (``… | head``): not an error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
