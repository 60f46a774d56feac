# SPDX-License-Identifier: EUPL-1.2
"""INVITEs that have one control character in one field, in each form in which the field can carry it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

CONTROLS = (*range(0x20), 0x7F)
FORGED = b"\r\nEvent: UserEvent\r\nUserEvent: Forged\r\nUniqueid: 1\r\n\r\n"
"""A whole AMI event, for a field that is repeated there."""
_SDP = (
    b"v=0\r\no=- 1 1 IN IP4 %(address)s\r\ns=-\r\nc=IN IP4 %(address)s\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
    b"a=rtpmap:8 PCMA/8000\r\n"
)
_PLAIN = {
    "dialled": b"0537289-0",
    "from": b"<sip:03023125001@%(address)s>",
    "to": b"<sip:0537289-0@127.0.0.1>",
    "contact": b"<sip:caller@%(address)s:%(port)d>",
    "call-id": b"control-%(number)d@%(address)s",
    "more": b"",
}


def hostile_invites(address: str, port: int) -> Iterator[bytes]:
    """All of them, as they go over the wire."""
    numbers = count(1)
    for code in CONTROLS:
        raw, encoded, escaped = bytes([code]), b"%%%02X" % code, b"\\" + bytes([code])
        for text in (raw, encoded, encoded + b"%0D%0A", b"".join(b"%%%02X" % byte for byte in raw + FORGED)):
            for field, value in _in_uri(text).items():
                yield _invite({field: value}, next(numbers), address, port)
        for text in (raw, escaped, raw + FORGED):
            for field, value in _in_name(text).items():
                yield _invite({field: value}, next(numbers), address, port)
        for header in _headers(raw):
            yield _invite({"more": header + b"\r\n"}, next(numbers), address, port)


def _in_uri(text: bytes) -> dict[str, bytes]:
    return {
        "dialled": b"05372%s89-0" % text,
        "from": b"<sip:030%s23125001@%%(address)s>" % text,
        "to": b"<sip:0537289%s0@127.0.0.1>" % text,
        "contact": b"<sip:cal%sler@%%(address)s:%%(port)d>" % text,
    }


def _in_name(text: bytes) -> dict[str, bytes]:
    return {
        "from": b'"evil %s name" <sip:03023125001@%%(address)s>' % text,
        "to": b'"evil %s name" <sip:0537289-0@127.0.0.1>' % text,
        "contact": b'"evil %s name" <sip:caller@%%(address)s:%%(port)d>' % text,
        "call-id": b"control%s-%%(number)d@%%(address)s" % text,
    }


def _headers(text: bytes) -> tuple[bytes, ...]:
    return (
        b"User-Agent: scan%sner" % text,
        b"Diversion: <sip:05832%s830@x>;reason=unconditional" % text,
        b'Diversion: "evil %s" <sip:05832830@x>;reason="%s"' % (text, text),
        b"History-Info: <sip:05832%s830@x>;index=1" % text,
        b"P-Asserted-Identity: <sip:110%s@x>" % text,
        b'P-Asserted-Identity: "evil %s" <sip:110@x>' % text,
        b"Remote-Party-ID: <sip:110%s@x>;party=calling" % text,
        b"Privacy: id%s" % text,
        b"X-Amtsleitung-At: 2026-12-25T10:00:00%s+01:00" % text,
        b"Subject: %s" % text,
    )


def _invite(change: dict[str, bytes], number: int, address: str, port: int) -> bytes:
    """``change`` holds bytes with per cent signs of their own, so blanks are filled by name, one by one."""
    blanks = {b"%(address)s": address.encode(), b"%(port)d": b"%d" % port, b"%(number)d": b"%d" % number}

    def filled(text: bytes) -> bytes:
        for blank, value in blanks.items():
            text = text.replace(blank, value)
        return text

    part = {name: filled(text) for name, text in (_PLAIN | change).items()}
    body = filled(_SDP)
    return b"".join(
        (
            b"INVITE sip:", part["dialled"], b"@127.0.0.1 SIP/2.0\r\n",
            filled(b"Via: SIP/2.0/UDP %(address)s:%(port)d;rport;branch=z9hG4bK-control-%(number)d\r\n"),
            b"From: ", part["from"], b";tag=t", filled(b"%(number)d"), b"\r\nTo: ", part["to"],
            b"\r\nCall-ID: ", part["call-id"], b"\r\nCSeq: 1 INVITE\r\nContact: ", part["contact"],
            b"\r\nMax-Forwards: 70\r\n", part["more"], b"Content-Type: application/sdp\r\nContent-Length: ",
            b"%d" % len(body), b"\r\n\r\n", body,
        )
    )  # fmt: skip
