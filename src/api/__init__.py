# SPDX-License-Identifier: EUPL-1.2
"""What people and programs see of the running system: health, calls, the live event stream, the agent's page."""

from __future__ import annotations

from api.app import create_app
from api.server import ServeError, run_api

__all__ = ["ServeError", "create_app", "run_api"]
