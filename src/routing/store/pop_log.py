# SPDX-License-Identifier: EUPL-1.2
"""When pops were drawn: written once for each ring, read only as figures over all agents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.store.records import DrawnPop, PopFigures
from routing.store.values import in_utc

# A ring is over within minutes: whoever tells later, or of somebody else's ring, is not its page. What the first page
# said stands, but a page that lay behind another one has not shown it to anybody.
_ACKNOWLEDGE = text("""
    INSERT INTO amtsleitung.pop_drawn (seq, at, how)
    SELECT seq, :at, :how FROM amtsleitung.call_event
    WHERE seq = :seq AND kind = 'rung' AND payload ->> 'agent' = :agent
      AND at BETWEEN CAST(:at AS timestamptz) - INTERVAL '10 minutes' AND CAST(:at AS timestamptz) + INTERVAL '1 minute'
    ON CONFLICT (seq) DO UPDATE SET at = excluded.at, how = excluded.how
    WHERE pop_drawn.how = 'hidden' AND excluded.how <> 'hidden'
""")

# A ring that ended sooner than this need not have been drawn.
_SHORTEST_RING_SECONDS = 2

_FIGURES = text("""
    WITH ring AS (
        SELECT rung.seq, drawn.how, greatest(0, extract(epoch FROM drawn.at - rung.at)) AS seconds, (
            SELECT min(later.at) FROM amtsleitung.call_event later
            WHERE later.node = rung.node AND later.unique_id = rung.unique_id AND later.seq > rung.seq
              AND (later.kind = 'ended' OR later.kind = 'answered'
                   OR later.kind = 'ring_ended' AND later.agent_channel IN (rung.agent_channel, ''))
        ) - rung.at AS lasted
        FROM amtsleitung.call_event rung LEFT JOIN amtsleitung.pop_drawn drawn ON drawn.seq = rung.seq
        WHERE rung.kind = 'rung' AND rung.at >= :since AND rung.at < :until
    ), counted AS (
        SELECT * FROM ring
        WHERE how IS NOT NULL OR lasted IS NULL OR lasted >= make_interval(secs => :shortest)
    )
    SELECT count(*) AS rung,
           count(*) FILTER (WHERE how = 'live') AS live,
           count(*) FILTER (WHERE how = 'caught_up') AS caught_up,
           count(*) FILTER (WHERE how = 'hidden') AS hidden,
           count(*) FILTER (WHERE how IS NULL) AS undrawn,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE how = 'live') AS median_seconds,
           percentile_disc(0.99) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE how = 'live') AS p99_seconds,
           max(seconds) FILTER (WHERE how = 'live') AS longest_seconds
    FROM counted
""")
_SECONDS = ("median_seconds", "p99_seconds", "longest_seconds")


async def acknowledge(connection: AsyncConnection, pops: Sequence[DrawnPop]) -> None:
    if pops:
        await connection.execute(_ACKNOWLEDGE, [asdict(pop) | {"at": in_utc(pop.at)} for pop in pops])


async def pop_figures(connection: AsyncConnection, since: datetime, until: datetime) -> PopFigures:
    period = {"since": in_utc(since), "until": in_utc(until), "shortest": _SHORTEST_RING_SECONDS}
    row = (await connection.execute(_FIGURES, period)).mappings().one()
    seconds = {name: None if row[name] is None else float(row[name]) for name in _SECONDS}
    return PopFigures(**(dict(row) | seconds))
