# SPDX-License-Identifier: EUPL-1.2
"""What the supervisor tells of its services."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReady:
    """Started, the first time or again."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCrashed:
    """Ended without being asked, or failed to start again; will be started in ``restart_in_seconds``."""

    name: str
    why: str
    restart_in_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceGivenUp:
    """Ended and is not started again; `supervise` ends with this sentence."""

    name: str
    why: str


Happening = ServiceReady | ServiceCrashed | ServiceGivenUp
