"""Last seen, last used: gathered elsewhere and written here in one go, never by a request."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, update

from appliance.core.uow import UnitOfWork
from appliance.domains.identity.tables import ApiKey, LoginSession

FORGET_SESSIONS_AFTER = timedelta(days=30)


def note_seen(uow: UnitOfWork, moments: Mapping[UUID, datetime]) -> None:
    """`moments` by credential: a session or an API key."""
    seen = [{"credential": credential_id, "moment": moment} for credential_id, moment in moments.items()]
    for table, column in ((LoginSession, "last_seen_at"), (ApiKey, "last_used_at")):
        written = update(table).where(table.id == bindparam("credential")).values({column: bindparam("moment")})
        uow.session.execute(written, seen, execution_options={"dml_strategy": "core_only"})


def forget_old_sessions(uow: UnitOfWork) -> None:
    uow.session.execute(delete(LoginSession).where(LoginSession.expires_at < uow.now - FORGET_SESSIONS_AFTER))
