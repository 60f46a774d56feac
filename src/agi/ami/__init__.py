# SPDX-License-Identifier: EUPL-1.2
"""The observer: what Asterisk says becomes call state, and what Asterisk needs is written for it.

::

    client ── messages ──→ translate ── observations ──→ call_tracker ── events ──→ event_writer ──→ Recorder
      ↑                                                   ↑ snapshot (after every connect, and on any doubt)
    publisher ←── Table

The only room with panoramisk, and there only `protocol` and `client` know it.
"""
