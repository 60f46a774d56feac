# SPDX-License-Identifier: EUPL-1.2
"""What somebody who may see one tenant only sees of rows: the tenant's own, what is shared, and "occupied".

Shared are hours, agent groups and what names no tenant, such as an announcement for the whole centre. Everything of
another tenant is occupied, and so are trunks, agents and duties: they hold peers' addresses and user names, people, and
the duty numbers of whoever is on call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from routing.core.changes import RowChange
from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
    AuthorityNumberRow,
    CentreRow,
    DidRow,
    IngressNumberRow,
    NoticeRow,
    NumberBlockRow,
    OnCallDutyRow,
    OnCallRotaRow,
    OpeningHoursRow,
    OverrideRow,
    Row,
    ServiceLineRow,
    SpecialHoursRow,
    TenantRow,
    TrunkRow,
)

OCCUPIED = "occupied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """A row that may not be seen; nothing is said of it, not even its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleChange:
    """A change as it may be seen. Where neither side may be, ``place`` and both sides are occupied."""

    place: str
    before: Row | Occupied | None
    after: Row | Occupied | None

    @property
    def occupied(self) -> bool:
        """Whether nothing of it may be seen."""
        return self.before == self.after == Occupied()


_UNSEEN = VisibleChange(place=OCCUPIED, before=Occupied(), after=Occupied())


def may_see(row: Row, tenant: str) -> bool:
    """Whether somebody who may see this tenant only may see the row."""
    match row:
        case TenantRow():
            return row.slug == tenant
        case CentreRow():
            return row.unknown_number_tenant in {None, tenant}
        case OpeningHoursRow() | AgentGroupRow():
            return True
        case TrunkRow() | AgentRow() | OnCallRotaRow() | OnCallDutyRow():
            return False
        case (
            SpecialHoursRow()
            | OverrideRow()
            | NoticeRow()
            | ServiceLineRow()
            | NumberBlockRow()
            | DidRow()
            | IngressNumberRow()
            | AuthorityNumberRow()
        ):
            return row.tenant in {None, tenant}
        case _:
            assert_never(row)


def visible(change: RowChange, tenant: str | None) -> VisibleChange:
    """The change as this tenant's people see it; ``None`` sees everything.

    A number that passes from one tenant to another is seen by both, each with its own side.
    """
    sides = [
        Occupied() if row is not None and tenant is not None and not may_see(row, tenant) else row
        for row in (change.before, change.after)
    ]
    if all(side is None or side == Occupied() for side in sides):
        return _UNSEEN
    return VisibleChange(place=change.place, before=sides[0], after=sides[1])


def all_visible(changes: Iterable[RowChange], tenant: str | None) -> bool:
    """Whether nothing of these changes is occupied, so that words about them may be seen too."""
    return all(Occupied() not in {shown.before, shown.after} for shown in (visible(item, tenant) for item in changes))
