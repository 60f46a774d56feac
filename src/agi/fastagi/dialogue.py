# SPDX-License-Identifier: EUPL-1.2
"""One dialogue from the first byte to its outcome, still without a socket: the protocol joined to the handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from agi.fastagi.environment import Request
from agi.fastagi.handlers import Answer, RefusedError
from agi.fastagi.protocol import Accepted, Cause, Event, Failed, HungUp, Proceed, Protocol

Outcome = Accepted | Failed


class Dialogue:
    """Feed it bytes, send what it returns, and close as soon as ``outcome`` is set.

    ``error`` is the exception behind ``Cause.HANDLER_ERROR``, for the log.
    """

    # What most dialogues never change is the class's own: one is made for each call.
    request: Request | None = None
    answer: Answer | None = None
    hung_up = False
    outcome: Outcome | None = None
    error: Exception | None = None

    def __init__(self, handle: Callable[[Request], Answer]) -> None:
        self._handle = handle
        self._protocol = Protocol()

    def receive(self, data: bytes) -> bytes:
        """What is to be sent in return: nothing, or one command. Never raises."""
        if self.outcome is not None:
            return b""
        return self._follow(self._protocol.receive(data))

    def receive_eof(self) -> None:
        """The peer sends no more: a dialogue without its reply has failed."""
        if self.outcome is None:
            self._follow(self._protocol.receive_eof())

    def fail(self, cause: Cause, detail: str) -> None:
        """Ends the dialogue from outside: deadline, full house, stop."""
        if self.outcome is None:
            self.outcome = Failed(cause=cause, detail=detail)

    def _follow(self, events: tuple[Event, ...]) -> bytes:
        to_send = b""
        for event in events:  # nearly always one, a request or the end
            if isinstance(event, Request):
                self.request = event
                to_send = self._answer(event)
            elif isinstance(event, (Accepted, Failed)):
                self.outcome = event
            elif isinstance(event, Proceed):
                to_send = event.command
            elif isinstance(event, HungUp):
                self.hung_up = True
            else:
                assert_never(event)
        return to_send

    def _answer(self, request: Request) -> bytes:
        try:
            answer = self._handle(request)
            line = self._protocol.send(*answer.commands)
        except RefusedError as refusal:
            self.outcome = Failed(cause=refusal.cause, detail=str(refusal))
        except Exception as error:  # one call's trouble must never be the next one's
            self.error = error
            self.outcome = Failed(cause=Cause.HANDLER_ERROR, detail="The handler failed.")
        else:
            self.answer = answer
            return line
        return b""
