# SPDX-License-Identifier: EUPL-1.2
"""The call path: one FastAGI dialogue per call, answered from memory."""

from agi.fastagi.call_log import CallLog
from agi.fastagi.server import Counters, FastAgiError, FastAgiServer

__all__ = ["CallLog", "Counters", "FastAgiError", "FastAgiServer"]
