# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung serve``: one process of the system in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

_READY_HELP = "Write this file, with the address listened on, when the service is ready."


@click.group("serve", short_help="Run one service in the foreground: fastagi, ami or api.")
def serve_group() -> None:
    """Run one service in the foreground: fastagi, ami or api.

    AMTSLEITUNG_DATABASE_URL names the database with the service's own role. Logs go to standard error.
    """


@serve_group.command("fastagi")
@click.option(
    "--config",
    "config_file",
    metavar="FILE.yaml",
    type=click.Path(path_type=Path),
    help="Route by this file alone; no database is used or loaded.",
)
@click.option("--ready-file", type=click.Path(path_type=Path), help=_READY_HELP)
@click.option(
    "--take-over",
    is_flag=True,
    help="Share the port with the process that listens there: end that one when this one is ready.",
)
def fastagi_command(config_file: Path | None, ready_file: Path | None, take_over: bool) -> None:
    """Answer Asterisk's question where a call goes (AMTSLEITUNG_FASTAGI_BIND)."""
    from amtsleitung.serve_fastagi import serve_fastagi

    serve_fastagi(config_file=config_file, ready_file=ready_file, take_over=take_over)


@serve_group.command("ami")
@click.option("--ready-file", type=click.Path(path_type=Path), help=_READY_HELP)
def ami_command(ready_file: Path | None) -> None:
    """Watch Asterisk (AMTSLEITUNG_AMI_URL), record calls, and give Asterisk its queues, devices and fallback."""
    from amtsleitung.serve_ami import serve_ami

    serve_ami(ready_file=ready_file)


@serve_group.command("api")
@click.option("--ready-file", type=click.Path(path_type=Path), help=_READY_HELP)
def api_command(ready_file: Path | None) -> None:
    """Serve the agents' page, the live event stream and the API (AMTSLEITUNG_API_BIND)."""
    from amtsleitung.serve_api import serve_api

    serve_api(ready_file=ready_file)
