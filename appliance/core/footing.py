"""Whether what the box stands on is set up as it needs: the database and its roles, its Redis, the order of its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import timekeeping
from appliance.core.manifest import Check, CheckResult

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from appliance.core.box import Box

LEAST_POSTGRESQL = 14
LEAST_REDIS = (6, 2)
ASK_THE_DOCTOR = "Is the disk full or the database server down? See `salesedge doctor`."
OLD_DATABASE = "Upgrade PostgreSQL to 14 or newer."
STRONG_ROLE = "The box's role must be no superuser, own no tables and not bypass row security: else a wall between tenants is gone."
BROKEN_FILE = "The database file is damaged. Stop the box, keep a copy of the file, and restore the last backup."
EVICTS = "Set maxmemory-policy to noeviction in Redis: else it throws work away when memory runs short."
FORGETS = "Switch on appendonly in Redis: without it a restart forgets what waits, and the box has to find it again."
OLD_REDIS = "Upgrade Redis to 6.2 or newer."
CLOCK_WENT_BACK = "The box has written events later than now: the clock went back. Set it right, and keep it so: timedatectl set-ntp true"


def check_database_set_up(box: Box) -> CheckResult:
    try:
        with box.database.read_only.connect() as connection:
            return _postgresql(connection) if box.database.is_postgresql else CheckResult(ok=True, detail=_sqlite(connection))
    except SQLAlchemyError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix=ASK_THE_DOCTOR)


def check_database_file(box: Box) -> CheckResult:
    """Reads the whole file."""
    if box.database.is_postgresql:
        return CheckResult(ok=True, detail="-")
    try:
        with box.database.read_only.connect() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except SQLAlchemyError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix=BROKEN_FILE)
    return CheckResult(ok=said == "ok", detail="answers", fix=BROKEN_FILE)


def _postgresql(connection: Connection) -> CheckResult:
    number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    version = f"PostgreSQL {number // 10000}"
    if number < LEAST_POSTGRESQL * 10000:
        return CheckResult(ok=False, detail=version, fix=OLD_DATABASE)
    strong = connection.execute(text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")).scalar_one()
    owner = connection.execute(text("SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'outbox'")).scalar()
    return CheckResult(ok=not strong and not owner, detail=version, fix=STRONG_ROLE)


def _sqlite(connection: Connection) -> str:
    return f"SQLite {connection.execute(text('SELECT sqlite_version()')).scalar_one()}"


def check_redis_set_up(box: Box) -> CheckResult:
    try:
        told = box.redis.info()
    except RedisError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix="Work waits in the database until Redis is back; nothing is lost.")
    version = str(told["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_REDIS:
        return CheckResult(ok=False, detail=version, fix=OLD_REDIS)
    if told.get("maxmemory_policy", "noeviction") != "noeviction":
        return CheckResult(ok=False, detail=str(told["maxmemory_policy"]), fix=EVICTS)
    return CheckResult(ok=bool(told.get("aof_enabled")), detail=f"Redis {version}", fix=FORGETS)


def check_order_of_time(box: Box) -> CheckResult:
    noted = timekeeping.check(box.settings)
    if not noted.ok:
        return noted
    try:
        with box.whole_box("clock", read_only=True) as uow:
            return CheckResult(ok=timekeeping.lag_of(uow) < timekeeping.SKEW, detail=noted.detail, fix=CLOCK_WENT_BACK)
    except SQLAlchemyError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix=ASK_THE_DOCTOR)


CHECKS = (
    Check("database set-up", check_database_set_up, thorough=True),
    Check("queue set-up", check_redis_set_up, thorough=True),
    Check("order of time", check_order_of_time, thorough=True),
)
DEEP = (Check("database file", check_database_file, thorough=True),)
