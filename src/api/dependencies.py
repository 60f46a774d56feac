# SPDX-License-Identifier: EUPL-1.2
"""What routes are given: the parts of the running application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from api.cards import Directory
from api.live import EventHub
from api.pops import Acknowledgements
from routing.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The application's parts. ``clock`` gives the present as an aware instant."""

    store: Store
    hub: EventHub
    directory: Directory
    pops: Acknowledgements
    clock: Callable[[], datetime]
    heartbeat_seconds: float
    node: str | None


def services_of(app: FastAPI) -> Services:
    """The parts of an application made by ``create_app``."""
    services = app.state.services
    assert isinstance(services, Services)
    return services


def _of_request(request: Request) -> Services:
    return services_of(request.app)


Parts = Annotated[Services, Depends(_of_request)]
