# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.calls_probe``: a carrier that times calls in microseconds, which SIPp does in steps of 4 ms.

One line of JSON on standard input for each series (source, target, dialled, caller, rate, seconds), one on standard
output for it: microseconds from each INVITE to its final answer, ``null`` where none came or another than 404. Calls
go out at their appointed times whatever becomes of those before; the instant of an answer is the kernel's
(SO_TIMESTAMPNS), so that this process's own waiting for a processor does not count. It ends with its standard input.
"""

from __future__ import annotations

import json
import re
import secrets
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from typing import Any

_TIMESTAMPS = 35  # SO_TIMESTAMPNS of Linux, which Python does not name
_LAST_ANSWERS_SECONDS = 2.0
_FIRST_SECONDS = 0.05
_ANSWER = re.compile(rb"SIP/2\.0 ([2-6]\d\d) .*?\r\nCSeq: 1 INVITE\r\n", re.DOTALL)
_PLACE = re.compile(rb"\r\nCall-ID: (\d+)-")
_TO = re.compile(rb"\r\n(To: [^\r\n]*)\r\n")
_SDP = (
    "v=0\r\no=carrier 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 9 RTP/AVP 9 8\r\n"
    "a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)
_HEAD = (
    "{method} sip:{dialled}@{target} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{mark}{place}\r\n"
    "From: <sip:{caller}@{host}>;tag={mark}{place}\r\n{to}\r\nCall-ID: {place}-{mark}@{host}\r\n"
    "CSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
)


class Series:
    """So many calls at a rate from one address. ``microseconds`` has a place for each."""

    def __init__(self, asked: dict[str, Any]) -> None:
        host, _, port = asked["target"].rpartition(":")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind((asked["source"], 0))
        self._socket.connect((host, int(port)))
        self._rate, count = asked["rate"], max(1, round(asked["rate"] * asked["seconds"]))
        self._names = {name: asked[name] for name in ("target", "dialled", "caller")} | {
            "host": asked["source"], "port": self._socket.getsockname()[1], "mark": secrets.token_hex(6),
        }  # fmt: skip
        self._sent = [0] * count
        self.microseconds: list[float | None] = [None] * count
        self._open = count

    def run(self) -> None:
        """To the last answer, or a while after the last call."""
        start = time.monotonic() + _FIRST_SECONDS
        for place in range(len(self._sent)):
            self._listen(until=start + place / self._rate)
            data = self._invite(place)
            self._sent[place] = time.time_ns()
            self._socket.send(data)
        end = time.monotonic() + _LAST_ANSWERS_SECONDS
        while self._open and time.monotonic() < end:
            self._listen(until=min(end, time.monotonic() + 0.02))
        self._socket.close()

    def _invite(self, place: int) -> bytes:
        sdp = _SDP.format(**self._names)
        to = "To: <sip:{dialled}@{target}>".format(**self._names)
        head = _HEAD.format(method="INVITE", place=place, to=to, **self._names)
        contact = "Contact: <sip:carrier@{host}:{port}>\r\n".format(**self._names)
        return f"{head}{contact}Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}".encode()

    def _listen(self, *, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                self._answered(*self._socket.recvmsg(65_536, 256)[:2])

    def _answered(self, data: bytes, ancillary: list[tuple[int, int, bytes]]) -> None:
        answer, place, to = _ANSWER.match(data), _PLACE.search(data), _TO.search(data)
        if answer is None or place is None or to is None:
            return  # 100 Trying, which the final answer follows
        number = int(place[1])
        ack = _HEAD.format(method="ACK", place=number, to=to[1].decode(), **self._names)
        self._socket.send(f"{ack}Content-Length: 0\r\n\r\n".encode())
        if self._sent[number] and answer[1] == b"404":
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
            self.microseconds[number] = (seconds * 1_000_000_000 + nanoseconds - self._sent[number]) / 1_000
        self._open -= bool(self._sent[number])
        self._sent[number] = 0


def _asked() -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        yield json.loads(line)


def _main() -> None:
    for asked in _asked():
        series = Series(asked)
        series.run()
        sys.stdout.write(json.dumps(series.microseconds) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
