# SPDX-License-Identifier: EUPL-1.2
"""panoramisk's AMI protocol, mended.

Its one rule: nothing that comes from the other end may raise, hang or grow without bound. Stock 1.4 decodes each
TCP segment by itself (an umlaut on the border vanishes), has no size limit, lets an exception close the connection
silently, and sends unanswered actions again after a reconnect. Of it remain how actions are written and how replies
and lists are put together.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Mapping
from typing import Any, Protocol

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from agi.ami.messages import AmiMessage, parse_message

MESSAGE_LIMIT_CHARACTERS = 1_000_000
_BANNER = "Asterisk Call Manager/"
_BANNER_LIMIT_CHARACTERS = 200
_END = "\r\n\r\n"


class AmiDisconnectedError(Exception):
    """The connection is gone; the sentence says why. What was asked may or may not have been done."""


class Owner(Protocol):
    """Who owns the connection: gets each event and, once, the end."""

    def on_message(self, message: AmiMessage) -> None:
        """An event, or a message that is neither event nor reply."""

    def on_lost(self, why: str) -> None:
        """The connection has ended."""


class MendedProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk is untyped
    """One connection. ``banner`` is done when the other end has greeted as an AMI."""

    def __init__(self, owner: Owner) -> None:
        self._owner: Owner = owner
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._why = "Asterisk closed the AMI connection"
        self.banner: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.lost = False
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        super().connection_made(transport)
        self.encoding = "utf-8"

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with any piece of the stream."""
        if self.closed:
            return
        scanned = max(0, len(self._text) - len(_END) + 1)
        self._text += self._decoder.decode(data)
        try:
            if not self.banner.done() and not self._read_banner():
                return
            self._read_messages(scanned if self.banner.done() else 0)
        except Exception as error:  # a defect in here must end the connection loudly, not silently
            self.end(f"a message from Asterisk could not be handled ({type(error).__name__}: {error})")

    def _read_banner(self) -> bool:
        line, end, rest = self._text.partition("\r\n")
        if not _BANNER.startswith(line[: len(_BANNER)]) or len(line) > _BANNER_LIMIT_CHARACTERS:
            self.end("what answers there is no Asterisk manager interface (it greets differently): check host and port")
            return False
        if not end:
            return False
        self._text = rest
        self.banner.set_result(line.removeprefix(_BANNER))
        return True

    def _read_messages(self, scanned: int) -> None:
        scanned = min(scanned, len(self._text))
        start = 0
        while (end := self._text.find(_END, max(start, scanned))) >= 0 and not self.closed:
            block = self._text[start:end].lstrip("\r\n")
            start = end + len(_END)
            if block:
                self._take(parse_message(block))
        self._text = self._text[start:]
        if len(self._text) > MESSAGE_LIMIT_CHARACTERS:
            self.end(f"Asterisk sent a message of more than {MESSAGE_LIMIT_CHARACTERS} characters")

    def _take(self, message: AmiMessage) -> None:
        action_id = message.get("actionid")
        action = self.responses.get(action_id) if action_id else None
        if action is None:
            # A reply to an action whose deadline has passed is nobody's business any more.
            if "response" not in message.headers:
                self._owner.on_message(message)
            return
        reply = Message({**message.headers, **{name: list(values) for name, values in message.lists.items()}})
        if message.malformed or message.repeated:
            self._settle(action, AmiDisconnectedError("Asterisk's reply has repeated or malformed headers"))
        elif action.as_list and reply.response == "Error":
            # Stock would wait for the list that never comes.
            self._settle(action, [reply])
        elif action.add_message(reply):
            self.responses.pop(action_id, None)

    def _settle(self, action: Action, result: list[Message] | Exception) -> None:
        self.responses.pop(action.id, None)
        if action.future.done():
            return
        if isinstance(result, Exception):
            action.future.set_exception(result)
        else:
            action.future.set_result(result)

    def ask(self, headers: Mapping[str, Any], *, as_list: bool) -> Action:
        """Write an action; its ``future`` gets the reply. The caller must `forget` it."""
        action = Action(dict(headers))
        self.send(action, as_list=as_list)
        return action

    def forget(self, action: Action) -> None:
        """Stop waiting for a reply."""
        self.responses.pop(action.id, None)

    def end(self, why: str) -> None:
        """Cut the connection, for this reason."""
        if not self.closed and not self.lost:
            self._why = why
            self.closed = True
            if (transport := getattr(self, "transport", None)) is not None:  # never connected: nothing to cut
                transport.abort()

    def close(self) -> None:
        """Stock `close` queues unanswered actions for the next connection; this one does not."""
        self.end("closed")

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio, once."""
        if self.lost:
            return
        self.lost = self.closed = True
        if exc is not None:
            self._why = f"the AMI connection broke ({exc})"
        for action in list(self.responses.values()):
            self._settle(action, AmiDisconnectedError(self._why))
        if not self.banner.done():
            self.banner.set_exception(AmiDisconnectedError(self._why))
            self.banner.exception()  # seen: no complaint if nobody waits
        self._owner.on_lost(self._why)
