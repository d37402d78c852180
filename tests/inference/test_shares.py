"""Whose vectors they are: a tenant's index opens with that tenant's key, and with nothing once it is destroyed."""

import shutil

import pytest
from sqlalchemy import delete

from appliance.core.crypto import KeyUnreadable
from appliance.core.tenancy import TenantKey, tenant_of, topic
from appliance.inference.http import connect
from tests.modelserver.running import Running

TEXTS = ("the invoice is due on friday", "the cat sleeps")


@pytest.fixture
def running(tmp_path):
    running = Running(tmp_path / "models").start()
    yield running
    running.kill()


@pytest.fixture
def inference(box, running):
    models = box.settings.models.model_copy(update={"url": "", "timeout_s": 60})
    settings = box.settings.model_copy(update={"models": models, "home": running.home})
    (running.home / "run").mkdir()
    settings.modelserver_socket.symlink_to(running.socket)
    found = connect(settings, share_of=lambda namespace: box.keys.index_share(tenant_of(namespace)))
    yield found
    found.close()


def destroy_key(box, tenant_id):
    with box.whole_box("test") as uow:
        uow.session.execute(delete(TenantKey).where(TenantKey.tenant_id == tenant_id))
    box.keys.forget(tenant_id)


def test_a_destroyed_key_leaves_the_vectors_unreadable_and_those_of_others_alone(
    box, tenant_id, other_tenant_id, running, inference, tmp_path
):
    mine, theirs = topic(tenant_id, "knowledge"), topic(other_tenant_id, "knowledge")
    for space in (mine, theirs):
        inference.index_add(space, [1, 2], texts=TEXTS, create=True)
    assert inference.begin_search(mine, text="when is the invoice due?", k=1)().ids.tolist() == [1]
    running.kill()
    copy = shutil.copytree(running.indexes, tmp_path / "backup")
    running.start()
    assert [inference.index_stats(space).count for space in (mine, theirs)] == [2, 2], "a restart takes nothing away"
    destroy_key(box, tenant_id)
    with pytest.raises(KeyUnreadable):
        inference.index_stats(mine)
    inference.index_drop(mine)
    assert inference.index_stats(theirs).count == 2
    running.kill()
    shutil.copytree(copy, running.indexes, dirs_exist_ok=True)
    running.start()
    with running.client() as client:  # the server, with its key and the files from the backup, and no share
        assert client.get(f"/v1/index/{mine}").json()["state"] == "missing"


def test_one_tenants_share_does_not_open_anothers_index(box, tenant_id, other_tenant_id, running, inference):
    assert box.keys.index_share(tenant_id) != box.keys.index_share(other_tenant_id)
    mine = topic(tenant_id, "knowledge")
    inference.index_add(mine, [1, 2], texts=TEXTS, create=True)
    running.kill()
    running.start()
    with running.client() as client:
        share = {"X-Index-Key": box.keys.index_share(other_tenant_id).hex()}
        assert client.get(f"/v1/index/{mine}", headers=share).json()["state"] == "missing"
