# SPDX-License-Identifier: EUPL-1.2
"""What can go wrong with a database, as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from routing.store.address import Address

MIGRATE = "run `amtsleitung migrate`"
CHECK_URL = "check AMTSLEITUNG_DATABASE_URL"


class StoreError(Exception):
    """``str(error)`` is a sentence for the user: what is wrong, at which host and port, and what to do."""


class RefusedValuesError(StoreError):
    """The database works and will never take these very values: to ask again is of no use."""


@contextmanager
def as_store_errors(address: Address) -> Iterator[None]:
    """Turn whatever the database, its driver or the network raises into a StoreError."""
    try:
        yield
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        origin = _origin(error)
        refused = isinstance(origin, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError)
        raise (RefusedValuesError if refused else StoreError)(_sentence(origin, address)) from error


def _origin(error: BaseException) -> BaseException:
    """The driver's own error below SQLAlchemy's wrapping."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, asyncpg.PostgresError | OSError | TimeoutError):
            return seen
        seen = seen.__cause__ or getattr(seen, "orig", None)
    return error


def _sentence(error: BaseException, address: Address) -> str:
    role = f"the role {address.user}" if address.user else "this user"
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():  # a wrong password is one of these
            return f"The database at {address} does not let {role} in ({error}): {CHECK_URL}."
        case asyncpg.InvalidCatalogNameError():
            return f"There is no database {address.database} at {address.host}:{address.port}: {MIGRATE}."
        case asyncpg.InsufficientPrivilegeError():
            return f"The database at {address} does not allow {role} this ({error}): use a role that may, or {MIGRATE}."
        case asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError() | asyncpg.InvalidSchemaNameError():
            return f"The database at {address} lacks something this program needs ({error}): {MIGRATE}."
        case asyncpg.TooManyConnectionsError():
            return f"The database at {address} has no free connection: raise its max_connections."
        case asyncpg.CannotConnectNowError() | asyncpg.PostgresConnectionError():
            return f"The database at {address} is starting, stopping or gone ({error}): start it, or wait."
        case asyncpg.PostgresError():
            return f"The database at {address} refuses ({error})."
        case TimeoutError():
            return f"The database at {address} does not answer in time: start it, or {CHECK_URL}."
        case OSError():
            return f"No PostgreSQL can be reached at {address} ({_reason(error)}): start it, or {CHECK_URL}."
        case _:
            return f"The connection to the database at {address} failed ({type(error).__name__}: {_first_line(error)})."


def _reason(error: OSError) -> str:
    return error.strerror or _first_line(error) or type(error).__name__


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
