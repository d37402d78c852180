"""A Redis that takes what it is asked and says nothing is waited for a few seconds, once."""

import socket

import pytest
from rq import Worker
from sqlalchemy import select

from appliance.core.config import RedisSettings
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.queue_server import connect_redis
from tests.core.ledger import make_entry

pytestmark = pytest.mark.only_database("sqlite")


def test_a_commit_waits_once_for_a_redis_that_hangs(box, tenant_id, tmp_path):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        box.dispatcher.redis = connect_redis(RedisSettings(url=f"unix://{tmp_path}/silent.sock"))
        with box.unit(tenant_id) as uow:
            make_entry(uow, "a")
        silent.settimeout(0)
        with silent.accept()[0], pytest.raises(BlockingIOError):
            silent.accept()
    with box.whole_box("test", read_only=True) as uow:
        assert uow.session.scalars(select(Delivery)).one().state is DeliveryState.PENDING


def test_asking_who_takes_work_makes_nobody_wait_longer_for_a_redis_that_hangs(box):
    Worker(["slow"], connection=connect_redis(box.settings.redis_server)).register_birth()
    patience = box.redis.connection_pool.connection_kwargs["socket_timeout"]
    assert box.dispatcher.workers("slow") == 1
    assert box.redis.connection_pool.connection_kwargs["socket_timeout"] == patience
