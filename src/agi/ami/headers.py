# SPDX-License-Identifier: EUPL-1.2
"""The headers that Asterisk 18 to 22 puts into the events we read. Source: its documentation and recordings.

A name outside this list was written by somebody else, which is a reason to look afresh, never to show a pop.
"""

from __future__ import annotations

_CHANNEL = (
    "channel",
    "channelstate",
    "channelstatedesc",
    "calleridnum",
    "calleridname",
    "connectedlinenum",
    "connectedlinename",
    "language",
    "accountcode",
    "context",
    "exten",
    "priority",
    "uniqueid",
    "linkedid",
    "tenantid",
)

#: May stand in any event (``timestampevents``, ``systemname``, debug builds).
COMMON = frozenset(["event", "privilege", "timestamp", "systemname", "sequencenumber", "file", "line", "func"])

CHANNEL = frozenset(_CHANNEL)
DESTINATION = frozenset(f"dest{name}" for name in _CHANNEL)
_QUEUE = frozenset({"queue"})
_MEMBER = frozenset({"queue", "interface", "membername"})

RECEIVED = frozenset({"trunk", "received", "caller"})
ROUTED = frozenset(
    {"level", "kind", "tenant", "line", "queue", "announcement", "target", "dialled", "version", "reasons", "cause"}
)
QUEUE_EXIT = frozenset({"queue", "status"})
CHAIN_STEP = frozenset({"exit", "step", "kind", "target"})

_EVENTS = {
    "queuecallerjoin": CHANNEL | _QUEUE | {"position", "count"},
    "queuecallerabandon": CHANNEL | _QUEUE | {"position", "originalposition", "holdtime"},
    "agentcalled": CHANNEL | DESTINATION | _MEMBER,
    "agentconnect": CHANNEL | DESTINATION | _MEMBER | {"ringtime", "holdtime"},
    "agentringnoanswer": CHANNEL | DESTINATION | _MEMBER | {"ringtime"},
    "agentcomplete": CHANNEL | DESTINATION | _MEMBER | {"holdtime", "talktime", "reason"},
    "agentdump": CHANNEL | DESTINATION | _MEMBER,
    "newstate": CHANNEL,
    "dialbegin": CHANNEL | DESTINATION | {"dialstring"},
    "dialend": CHANNEL | DESTINATION | {"dialstatus", "forward"},
    "hangup": CHANNEL | {"cause", "cause-txt", "techcause"},
    "hanguprequest": CHANNEL | {"cause", "techcause"},
}
_USER_EVENTS = {
    "callreceived": CHANNEL | RECEIVED | {"userevent"},
    "callrouted": CHANNEL | ROUTED | {"userevent"},
    "queueexit": CHANNEL | QUEUE_EXIT | {"userevent"},
    "chainstep": CHANNEL | CHAIN_STEP | {"userevent"},
}

#: Event (lower case) → what it may hold.
KNOWN = {name: headers | COMMON for name, headers in _EVENTS.items()}
USER_EVENTS = {name: headers | COMMON for name, headers in _USER_EVENTS.items()}
