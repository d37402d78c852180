from datetime import timedelta

import pytest

from appliance.core.errors import Refused
from appliance.domains.channels import actions, queries
from appliance.domains.channels.types import Charge, TemplateCategory
from appliance.domains.conversations import queries as conversations

OWN = "country,charge,valid_from,currency,amount,source\nBR,utility_in_window,2026-10-01,BRL,0.04,contrato\n"


def test_what_it_costs_is_known_before_it_is_sent(box, tenant_id, conversation_id):
    with box.unit(tenant_id) as uow:
        talk = conversations.get_conversation(uow, conversation_id)
        talk.last_inbound_at = uow.now - timedelta(days=2)
        cost = queries.cost_in(uow, talk, TemplateCategory.MARKETING)
        assert (cost.charge, cost.country, cost.currency, cost.amount) == (Charge.MARKETING, "BR", "USD", 0.0625)
        assert cost.source


def test_an_own_list_is_the_whole_list(box, tenant_id, conversation_id):
    with box.unit(tenant_id) as uow:
        talk = conversations.get_conversation(uow, conversation_id)
        talk.last_inbound_at = uow.now
        actions.replace_prices(uow, OWN)
        assert queries.cost_in(uow, talk, TemplateCategory.UTILITY).amount == 0.04
        assert queries.cost_in(uow, talk, None).price is None
        with pytest.raises(Refused):
            actions.replace_prices(uow, OWN + "x")
        assert len(queries.list_own_prices(uow)) == 1
        actions.forget_prices(uow)
        assert queries.list_prices(uow) == list(queries.shipped_prices())


def test_the_shipped_prices_say_where_they_are_from():
    assert {price.country for price in queries.shipped_prices()} == {"BR"}
    assert all(price.source for price in queries.shipped_prices())
