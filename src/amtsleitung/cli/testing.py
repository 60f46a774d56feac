# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung test``: the gate, with real parts. A missing Asterisk, SIPp or PostgreSQL fails, it never skips."""

from __future__ import annotations

import sys

import click


@click.command(
    "test",
    short_help="Run every test, on real parts.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--fast", is_flag=True, help="Only what scripts/check runs: linters, types, unit and property tests.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test_command(fast: bool, pytest_arguments: tuple[str, ...]) -> None:
    """Run every test on a real Asterisk, PostgreSQL, SIPp and Chromium (within 15 minutes on two cores).

    What is behind the options goes to pytest instead of the whole list of tests.
    """
    from amtsleitung.gate import run_gate

    sys.exit(run_gate(fast=fast, pytest_arguments=pytest_arguments))
