# SPDX-License-Identifier: EUPL-1.2
"""FastAGI as a sans-I/O state machine: bytes in, events out, no socket and no clock.

The one rule: whatever is not exactly what Asterisk sends ends the dialogue without a (further) command.

::

    agi_network: yes                                     ┐
    agi_network_script: route?dialled=05372890&trunk=…   │ the environment: these keys, in this order, each once,
    …                                                    │ and exactly four arguments
    agi_threadid: 139822951528128                        │
    agi_arg_1: caller=%2B493023125123                    │
    …                                                    │
    agi_arg_4: to=                                       ┘
    (empty line)
                         EXEC MSet "ROUTE_KIND=…"        a command, sent by us
    HANGUP                                               may come at any time behind the environment
    200 result=0                                         its reply; the next command, or we close

There is one command, except for the few decisions that are too long for one: those take two or three, each sent when
the one before was carried out, so that the commit marker at the end of the last stands for all of them.

Behind ``agi_uniqueid`` come values that a caller can set, with line feeds in them. Of what is used, script, request
and unique id were sent before. Only the four numbers come behind them, and all that a caller could forge there is a
number of his own, which he sets anyway, or a diversion: on a trunk that is not trusted the table lets none count.
Order of the keys: ``setup_env`` in Asterisk's ``res_agi.c``, measured on 22.10; it sends one line for each argument,
also for an empty one, and none for a missing one.

What is as our dialplan writes it, which is nearly everything, is read by ``environment`` in one pass; this module
judges all the rest line by line, and says the same of what both can read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from types import MappingProxyType

from agi.fastagi.environment import (
    KEYS,
    MAXIMUM_LINE_BYTES,
    MAXIMUM_UNIQUE_ID_CHARACTERS,
    Request,
    is_beginning,
    read_whole,
)
from agi.fastagi.request import ARGUMENTS, MalformedRequestError, read_number_argument, read_script

MAXIMUM_PHASE_BYTES = 16_384  # of the environment, and again of everything behind it
MAXIMUM_COMMAND_BYTES = 1_000  # Asterisk before 22.6 executes what exceeds 2,047 as a command of its own
MAXIMUM_COMMANDS = 4
VERBS = (b"EXEC MSet ",)

_PREFIXES = tuple(f"{key}: ".encode() for key in KEYS)
_SCRIPT, _REQUEST, _UNIQUE_ID = (KEYS.index(key) for key in ("agi_network_script", "agi_request", "agi_uniqueid"))
_FIRST_ARGUMENT = KEYS.index("agi_arg_1")
_USED = frozenset({_SCRIPT, _REQUEST, _UNIQUE_ID, *range(_FIRST_ARGUMENT, len(KEYS))})
_UNIQUE_ID_TEXT = re.compile(rb"[A-Za-z0-9._-]{1,%d}" % MAXIMUM_UNIQUE_ID_CHARACTERS)
_RESULT = re.compile(rb"result=(-?[0-9]{1,9})(?: .*)?", re.DOTALL)
_REPLY = re.compile(rb"([1-5][0-9]{2})([ -])(.*)", re.DOTALL)
_PRINTABLE = bytes(range(0x20, 0x7F))
_CARRIED_OUT = b"200 result=0\n"


class Cause(StrEnum):
    """Why a dialogue ended without its commands being carried out. The first four are the protocol's own."""

    MALFORMED = "malformed"
    TOO_LONG = "too_long"
    PEER_CLOSED = "peer_closed"
    COMMAND_REFUSED = "command_refused"
    BAD_REQUEST = "bad_request"
    UNKNOWN_PATH = "unknown_path"
    NO_TABLE = "no_table"
    DEADLINE = "deadline"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    STOPPING = "stopping"
    HANDLER_ERROR = "handler_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The caller has gone; the dialogue goes on to its reply all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The last command was carried out: ``200 result=0``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proceed:
    """A command was carried out; ``command`` is the next one, to be sent now."""

    command: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The dialogue is over. ``detail`` is a sentence that repeats nothing the peer sent."""

    cause: Cause
    detail: str


Event = Request | HungUp | Proceed | Accepted | Failed


class _State(Enum):
    ENVIRONMENT = auto()
    READY = auto()
    WAITING = auto()
    WAITING_LONG = auto()  # inside a reply of several lines
    ENDED = auto()


# Each is looked up for every call: an enumeration's own attributes cost more than a global name.
_ENVIRONMENT, _READY, _WAITING, _ENDED = _State.ENVIRONMENT, _State.READY, _State.WAITING, _State.ENDED
_ACCEPTED: tuple[Event, ...] = (Accepted(),)


class Protocol:
    """One dialogue. Feed it what comes; it never raises for bytes and never yields an event behind its last."""

    # What a dialogue read in one pass never changes is the class's own: one is made for each call.
    _state = _ENVIRONMENT
    _held = b""  # the beginning of an environment that is to be read in one pass
    _partial = b""
    _phase_bytes = 0
    _position = 0
    _values: Mapping[int, bytes] = MappingProxyType({})
    _commands: tuple[bytes, ...] = ()  # not sent yet, next one last

    def receive(self, data: bytes) -> tuple[Event, ...]:
        """The events in ``data``. A chunk with anything wrong in it yields its failure and nothing else."""
        if not self._phase_bytes and not self._partial:
            if self._state is _ENVIRONMENT:
                if self._held:
                    data = self._held + data
                if (request := read_whole(data)) is not None:
                    self._state = _READY
                    return (request,)
                if is_beginning(data):
                    self._held = data
                    return ()
            elif data == _CARRIED_OUT and self._state is _WAITING and not self._commands:
                self._state = _ENDED
                return _ACCEPTED
        return self.judge(data)

    def judge(self, data: bytes) -> tuple[Event, ...]:
        """The same, line by line."""
        if self._state is _ENDED:
            return ()
        self._phase_bytes += len(data)
        if self._phase_bytes > MAXIMUM_PHASE_BYTES:
            return (self._fail(Cause.TOO_LONG, f"More than {MAXIMUM_PHASE_BYTES} bytes came."),)
        if b"\0" in data:
            return (self._fail(Cause.MALFORMED, "A NUL byte came."),)
        *lines, self._partial = (self._partial + data).split(b"\n")
        events: list[Event] = []
        for line in (*lines, self._partial):
            if len(line) > MAXIMUM_LINE_BYTES:
                return (self._fail(Cause.TOO_LONG, f"A line has more than {MAXIMUM_LINE_BYTES} bytes."),)
        for line in lines:
            if line != b"HANGUP" and any(isinstance(event, Proceed) for event in events):
                return (self._fail(Cause.MALFORMED, "A reply came before its command was sent."),)
            event = self._line(line)
            if isinstance(event, Failed):
                return (event,)
            if event is not None:
                events.append(event)
            if isinstance(event, Accepted):
                break
        return tuple(events)

    def receive_eof(self) -> tuple[Event, ...]:
        """The peer sends no more."""
        if self._state is _ENDED:
            return ()
        return (self._fail(Cause.PEER_CLOSED, f"The peer closed while the state was {self._state.name.lower()}."),)

    def send(self, *commands: bytes) -> bytes:
        """The bytes of the first command; ``Proceed`` brings each of the others. Raises ``ValueError``.

        Each is one whole line. Nothing is sent if one of them is anything else, or before a whole environment came.
        """
        if self._state is not _READY:
            raise ValueError(f"no command may be sent while the state is {self._state.name.lower()}")
        if not 1 <= len(commands) <= MAXIMUM_COMMANDS:
            raise ValueError(f"a dialogue has one to {MAXIMUM_COMMANDS} commands, not {len(commands)}")
        for command in commands:
            if (
                command.translate(None, _PRINTABLE) != b"\n"
                or not command.endswith(b"\n")
                or not command.startswith(VERBS)
            ):
                raise ValueError("a command is one line of printable ASCII with a verb of the list")
            if len(command) > MAXIMUM_COMMAND_BYTES:
                raise ValueError(f"a command has at most {MAXIMUM_COMMAND_BYTES} bytes, not {len(command)}")
        self._state = _WAITING
        if len(commands) > 1:
            self._commands = commands[:0:-1]
        return commands[0]

    def _fail(self, cause: Cause, detail: str) -> Failed:
        self._state = _ENDED
        self._partial = b""
        return Failed(cause=cause, detail=detail)

    def _line(self, line: bytes) -> Event | None:
        if self._state is _ENVIRONMENT:
            return self._environment_line(line)
        if line == b"HANGUP":
            return HungUp()
        if self._state is _READY:
            return self._fail(Cause.MALFORMED, "Something came behind the environment before a command was sent.")
        return self._reply_line(line)

    def _environment_line(self, line: bytes) -> Event | None:
        position = self._position
        if not line:
            return self._request()
        if position >= len(_PREFIXES):
            return self._fail(Cause.MALFORMED, f"The environment has more than {len(_PREFIXES)} lines.")
        prefix = _PREFIXES[position]
        if not line.startswith(prefix):
            key = prefix[:-2].decode()
            return self._fail(Cause.MALFORMED, f"Line {position + 1} of the environment is not {key}.")
        if position in _USED:
            self._values = {**self._values, position: line[len(prefix) :]}
        self._position = position + 1
        return None

    def _request(self) -> Request | Failed:
        if self._position < len(KEYS):
            return self._fail(Cause.MALFORMED, f"The environment ends before {KEYS[self._position]}.")
        script, unique_id = self._values[_SCRIPT], self._values[_UNIQUE_ID]
        if not _UNIQUE_ID_TEXT.fullmatch(unique_id):
            return self._fail(Cause.MALFORMED, "agi_uniqueid holds other characters than letters, digits and ._-")
        if not self._values[_REQUEST].endswith(b"/" + script):
            return self._fail(Cause.MALFORMED, "agi_request and agi_network_script do not agree.")
        try:
            path, query = read_script(script)
            numbers = {
                key: read_number_argument(key, self._values[position])
                for position, key in enumerate(ARGUMENTS, start=_FIRST_ARGUMENT)
            }
        except MalformedRequestError as error:
            return self._fail(Cause.BAD_REQUEST, str(error))
        self._state = _READY
        self._phase_bytes = 0
        return Request(path=path, query=query, unique_id=unique_id.decode("ascii"), **numbers)

    def _reply_line(self, line: bytes) -> Event | None:
        reply = _REPLY.fullmatch(line)
        if self._state is _State.WAITING_LONG and (reply is None or reply[1] != b"520" or reply[2] == b"-"):
            return None  # the text of a usage, up to "520 End of proper usage."
        if reply is None:
            return self._fail(Cause.MALFORMED, "What came is no reply.")
        if reply[2] == b"-":
            self._state = _State.WAITING_LONG
            return None
        result = _RESULT.fullmatch(reply[3])
        if reply[1] == b"200" and result is not None and int(result[1]) == 0:
            if self._commands:
                *rest, command = self._commands
                self._commands = tuple(rest)
                return Proceed(command=command)
            self._state = _ENDED
            return Accepted()
        says = f" result={int(result[1])}" if result is not None else ""
        return self._fail(Cause.COMMAND_REFUSED, f"Asterisk replied {reply[1].decode()}{says}.")
