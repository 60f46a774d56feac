# SPDX-License-Identifier: EUPL-1.2
"""What Asterisk's side of a FastAGI dialogue sends, byte by byte as measured on Asterisk 22.10."""

from __future__ import annotations

from urllib.parse import quote

UNIQUE_ID = "1795314100.1"
ACCEPTED = b"200 result=0\n"

_MEASURED = {
    "agi_network": "yes",
    "agi_network_script": "",
    "agi_request": "",
    "agi_channel": "PJSIP/carrier-00000001",
    "agi_language": "de",
    "agi_type": "PJSIP",
    "agi_uniqueid": UNIQUE_ID,
    "agi_version": "22.10.1+dfsg+~cs6.17.60671434-1",
    "agi_callerid": "unknown",
    "agi_calleridname": "unknown",
    "agi_callingpres": "0",
    "agi_callingani2": "0",
    "agi_callington": "0",
    "agi_callingtns": "0",
    "agi_dnid": "unknown",
    "agi_rdnis": "unknown",
    "agi_context": "from-trunk",
    "agi_extension": "0537289-0",
    "agi_priority": "3",
    "agi_enhanced": "0.0",
    "agi_accountcode": "",
    "agi_threadid": "139822951528128",
    "agi_arg_1": "caller=",
    "agi_arg_2": "diversion=",
    "agi_arg_3": "history_info=",
    "agi_arg_4": "to=",
}


def uri_encode(text: str | bytes) -> str:
    """What the dialplan's ``URIENCODE`` makes of it."""
    return quote(text, safe="-_.!~*'()")


def route_script(dialled: str | bytes = "0537289-0", *, trunk: str = "carrier", at: str | None = None) -> str:
    """The script part of the URL that the dialplan calls."""
    script = f"route?dialled={uri_encode(dialled)}&trunk={uri_encode(trunk)}"
    script = script if at is None else f"{script}&at={uri_encode(at)}"
    return script.replace("(", "%28")  # an open bracket would draw the argument into the URL


def caller_argument(caller: str | bytes = "") -> str:
    """The argument in which the dialplan hands over the caller's number; empty = withheld."""
    return argument("caller", caller)


def argument(key: str, number: str | bytes = "") -> str:
    """One of the four arguments; empty = there is no such number."""
    return f"{key}={uri_encode(number)}"


def environment(script: str | None = None, **values: str) -> bytes:
    """A whole environment; ``values`` override lines by their key without ``agi_`` (``arg_1="caller=…"``)."""
    script = route_script() if script is None else script
    lines = _MEASURED | {"agi_network_script": script, "agi_request": f"agi://127.0.0.1:4573/{script}"}
    lines |= {f"agi_{key}": value for key, value in values.items()}
    return "".join(f"{key}: {value}\n" for key, value in lines.items()).encode() + b"\n"


def chosen(command: bytes) -> dict[str, str]:
    """The variables that a command line sets, in its order."""
    assert command.startswith(b'EXEC MSet "')
    assert command.endswith(b'"\n')
    pairs = command.decode("ascii").removeprefix('EXEC MSet "').removesuffix('"\n').split(",")
    values = dict(pair.split("=", 1) for pair in pairs)
    assert len(values) == len(pairs)
    return values
