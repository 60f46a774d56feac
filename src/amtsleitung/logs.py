# SPDX-License-Identifier: EUPL-1.2
"""Logging: one line per event, key=value, on standard error; the supervisor puts the process's name in front.

Nobody waits for it: lines go through a `LogQueue`, and a standard error that is full or halted loses lines, which are
counted and told when it goes again.

Telephone numbers may stand only in fields whose name starts with ``personal_``. Whoever passes logs on drops those
fields: ``AMTSLEITUNG_LOG_PERSONAL=no`` does it at the source. What callers sent may hold any character: none of it
ends a line (the renderer) or steers the terminal that shows the log (the queue).
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

from amtsleitung.log_queue import LogQueue

PERSONAL_PREFIX = "personal_"
LAST_LINES_SECONDS = 0.3
_STANDARD_ERROR = 2


def _lost(lines: int) -> str:
    return f'timestamp={datetime.now(UTC).isoformat()} level=warning event="log lines were lost" lines={lines}'


_queue = LogQueue(_STANDARD_ERROR, lost_line=_lost)


class QueuedLogger:
    """The end of structlog's chain: each method takes a finished line, puts it into the queue, and returns."""

    def __init__(self, queue: LogQueue) -> None:
        self.msg = queue.put
        self.debug = self.info = self.warning = self.error = self.critical = queue.put


class _QueueHandler(logging.Handler):
    """The end of the standard library's chain."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _queue.put(self.format(record))
        except Exception:  # whoever logs must not be hurt by what is logged
            _queue.put(f"{record.levelname} {record.name}: (a record that cannot be written)")


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
        logger_factory=lambda *_names: QueuedLogger(_queue),
        cache_logger_on_first_use=True,
    )
    handler = _QueueHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    atexit.register(flush_logs)


def flush_logs() -> None:
    """Waits until what was logged is written, for LAST_LINES_SECONDS at most: the end of a process must not hang."""
    atexit.unregister(flush_logs)  # once is enough
    _queue.flush(deadline_seconds=LAST_LINES_SECONDS)


def _drop_personal(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in event.items() if not key.startswith(PERSONAL_PREFIX)}
