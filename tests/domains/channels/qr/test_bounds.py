"""Linked numbers have a bound, and what they did long ago is forgotten."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance.domains.channels import actions, jobs, queries
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.tables import WhatsappDay
from appliance.domains.channels.types import RISK_VERSION, ChannelStatus, Ending
from appliance.entrypoints.sessions import Sessions
from tests.domains.channels.qr.conftest import ANA, DRIVER, QUICK

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"channels": settings.channels.model_copy(update={"max_linked_numbers": 1})})


def test_the_eldest_links_are_kept_and_who_comes_above_the_bound_is_told(box, tenant_id, number, begin, phones):
    with box.unit(tenant_id, ANA) as uow:
        second = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Filial")).id
        actions.accept_risk(uow, second, RISK_VERSION)
        actions.begin_link(uow, second)
        actions.note_open(uow, second, jid="5511@s.whatsapp.net", lid="", push_name="Filial")
    begin()
    sessions = Sessions(box, driver=DRIVER, patience=QUICK)
    sessions.look()
    assert list(sessions.links) == [second]
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_link(uow, number).ending is Ending.FULL
        channel = queries.get_channel(uow, number)
        assert (channel.status, "max_linked_numbers" in channel.status_detail) == (ChannelStatus.FAILING, True)
    sessions.close()


def test_old_days_of_a_number_are_forgotten(box, tenant_id, number):
    with box.unit(tenant_id) as uow:
        actions.take_turn(uow, number)
    with box.unit(tenant_id) as uow:
        actions.count(uow, number, received=1)
        uow.session.scalars(select(WhatsappDay)).one().day -= timedelta(days=61)
        actions.count(uow, number, received=1)
    jobs.prune_days(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert [row.day for row in uow.session.scalars(select(WhatsappDay))] == [uow.now.date()]
