# SPDX-License-Identifier: EUPL-1.2
"""Logging: one line per event, key=value, on standard error; the supervisor puts the process's name in front.

Telephone numbers may stand only in fields whose name starts with ``personal_``. Whoever passes logs on drops those
fields: ``AMTSLEITUNG_LOG_PERSONAL=no`` does it at the source.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

PERSONAL_PREFIX = "personal_"


def configure_logs(*, level: int = logging.INFO) -> None:
    """Sets structlog and the standard library's logging to the same lines."""
    processors: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if os.environ.get("AMTSLEITUNG_LOG_PERSONAL") == "no":
        processors.append(_drop_personal)
    processors += [
        structlog.processors.format_exc_info,
        structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def _drop_personal(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in event.items() if not key.startswith(PERSONAL_PREFIX)}
