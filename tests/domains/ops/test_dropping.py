"""A database beside the box's own is dropped by a role that is no superuser's, whoever is at work in it."""

import time

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from appliance.domains.ops.gateways import postgresql
from tests.servers import postgresql_server

PATIENCE_S = 120
SLOW = {"autovacuum": "on", "autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1"}
CLEANS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = 'beside'"
ROWS = "CREATE TABLE rows AS SELECT one, repeat('a', 200) AS more FROM generate_series(1, 100000) AS one"


def test_a_database_is_dropped_under_autovacuum_and_under_who_was_left_in_it():
    with postgresql_server(**SLOW) as address:
        url = make_url(address.format(database="postgres"))
        with postgresql.administering(url) as ruling:
            ruling.execute(text("CREATE ROLE box LOGIN CREATEDB"))
        with postgresql.administering(url.set(username="box")) as own:
            own.execute(text("CREATE DATABASE beside"))
            left = create_engine(url.set(username="box", database="beside")).connect()
            left.execute(text(ROWS))
            left.execute(text("DELETE FROM rows WHERE one % 3 = 0"))
            left.commit()
            ends = time.monotonic() + PATIENCE_S
            with postgresql.administering(url) as ruling:
                while not ruling.scalar(text(CLEANS)):
                    assert time.monotonic() < ends
                    time.sleep(0.1)
            postgresql.drop_database(own, "beside")
            assert own.scalar(text("SELECT count(*) FROM pg_database WHERE datname = 'beside'")) == 0
            postgresql.drop_database(own, "beside")  # is not there
            with pytest.raises(DBAPIError):
                left.scalar(text("SELECT 1"))
