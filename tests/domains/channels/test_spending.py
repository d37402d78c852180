"""What was sent, added up: expected when it leaves, corrected by Meta, priced by the day."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from appliance.core import clock
from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.domains.channels import actions, queries
from appliance.domains.channels.queries import spending as queried
from appliance.domains.channels.rules import prices, rate_card, spending
from appliance.domains.channels.rules.spending import Counted
from appliance.domains.channels.schemas import ChannelIn, SpendingQuery
from appliance.domains.channels.tables import MessageCharge
from appliance.domains.channels.types import Charge, Price
from appliance.domains.conversations import actions as conversations
from appliance.domains.identity import queries as identity

sqlite = pytest.mark.only_database("sqlite")
DAY = date(2026, 3, 1)
BR = Price("BR", Charge.MARKETING, date(2026, 1, 1), "USD", 62_500)
FREE = {"billable": False, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
CHARGED = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}


def counted(charge=Charge.MARKETING, count=2, **given):
    said = {"country": "BR", "is_billable": True, "is_told": False, "day": DAY, "channel_id": UUID(int=1), **given}
    return Counted(charge=charge, count=count, **said)


@pytest.fixture
def sums(box, tenant_id):
    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            found = queries.get_spending(uow, *queries.days_of(uow, SpendingQuery(since=clock.now().date() - timedelta(days=2))))
            return [(one.charge, one.count, one.told, one.free, one.unknown) for one in found.sums]

    return read


@sqlite
def test_what_leaves_is_expected_and_what_meta_says_holds(reply, run_deliveries, graph, post, sums):
    reply("um")
    reply("dois")
    run_deliveries()
    [(charge, count, told, _free, _unknown)] = sums()
    assert (charge, count, told) == (Charge.SERVICE, 2, 0)
    first, second = (wamid for wamid, _payload in graph.accepted)
    for _twice in range(2):
        post(graph.status_webhook(first, "delivered", pricing=FREE))
        post(graph.status_webhook(second, "delivered", pricing=CHARGED))
    assert sums() == [(Charge.MARKETING, 1, 1, 0, 0), (Charge.SERVICE, 1, 1, 1, 0)]


@sqlite
def test_what_meta_calls_free_is_free_and_what_it_told_of_a_failed_message_holds(reply, run_deliveries, graph, post, sums):
    reply()
    run_deliveries()
    [(wamid, _payload)] = graph.accepted
    post(graph.status_webhook(wamid, "sent", pricing=FREE | {"billable": True, "category": "utility"}))
    assert sums() == [(Charge.UTILITY_IN_WINDOW, 1, 1, 1, 0)]
    post(graph.status_webhook(wamid, "failed", errors=[{"code": 131026}]))
    assert sums() == [(Charge.UTILITY_IN_WINDOW, 1, 1, 1, 0)]


@sqlite
def test_what_failed_after_all_costs_nothing(reply, run_deliveries, graph, post, sums):
    reply()
    run_deliveries()
    post(graph.status_webhook(graph.accepted[0][0], "failed", errors=[{"code": 131026}]))
    assert sums() == []


@sqlite
def test_a_simulated_conversation_costs_nothing(box, tenant_id, run_deliveries, sums):
    with box.unit(tenant_id) as uow:
        desk = actions.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    with box.unit(tenant_id) as uow:
        talk = actions.receive_simulated(uow, desk, visitor="bia", name="Bia", text="oi")
        conversations.reply(uow, talk, user_id=new_id(), content={"text": "Olá"})
    run_deliveries()
    assert sums() == []


@sqlite
def test_the_month_so_far_is_shown_and_a_file_has_each_day(reply, run_deliveries, box, tenant_id):
    reply()
    run_deliveries()
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(MessageCharge).values(day=DAY, charge=Charge.MARKETING))
        found = queries.get_spending(uow, DAY, DAY)
        head, line = queries.spending_csv(found).splitlines()
        assert head == "day,channel,charge,country,messages,charged,told_by_meta,currency,amount"
        assert line.startswith("2026-03-01,")
        assert line.endswith(",marketing,BR,1,yes,no,USD,0.062500")
        today = uow.now.astimezone(identity.get_zone(uow)).date()
        assert queries.days_of(uow, SpendingQuery()) == (today.replace(day=1), today)
        long_ago = today - timedelta(days=1000)
        assert queries.days_of(uow, SpendingQuery(since=long_ago)) == (long_ago, long_ago + timedelta(days=365))
        assert queries.days_of(uow, SpendingQuery(since=date.max)) == (date.max, date.max)


@sqlite
def test_more_than_can_be_added_up_is_told_and_not_left_out(reply, run_deliveries, box, tenant_id, monkeypatch):
    reply("um")
    reply("dois")
    run_deliveries()
    with box.unit(tenant_id) as uow:
        first = uow.session.scalars(select(MessageCharge)).first()
        first.day = DAY
        monkeypatch.setattr(queried, "MOST", 2)
        assert sum(one.count for one in queries.get_spending(uow, DAY, date.max).sums) == 2
        monkeypatch.setattr(queried, "MOST", 1)
        with pytest.raises(Refused):
            queries.get_spending(uow, DAY, date.max)


def test_a_sum_says_what_is_free_what_is_told_and_what_nobody_knows():
    free, unpriced = counted(is_billable=False, is_told=True, count=3), counted(day=date(2025, 1, 1))
    lines = spending.priced([counted(), free, counted(Charge.SERVICE, count=5), unpriced], [BR])
    assert [one.amount for one in lines] == [0.125, 0.0, None, None]
    told = [(one.charge, one.currency, one.count, one.free, one.told, one.unknown, one.amount) for one in spending.sums_of(lines)]
    assert told == [
        (Charge.MARKETING, "", 2, 0, 0, 2, 0.0), (Charge.MARKETING, "USD", 5, 3, 3, 0, 0.125), (Charge.SERVICE, "", 5, 0, 0, 5, 0.0),
    ]  # fmt: skip
    assert spending.totals_of(lines) == {"USD": 125_000}


def test_days_are_the_first_before_the_last_and_a_year_at_most():
    with pytest.raises(ValueError, match="366"):
        SpendingQuery(since=DAY, until=DAY - timedelta(days=1))
    with pytest.raises(ValueError, match="366"):
        SpendingQuery(since=DAY, until=DAY + timedelta(days=366))


CARD = """Cost per message in USD,,,,,,
Market,Currency,Marketing,Utility,Authentication,"Authentication-\nInternational",Service
Brazil,$US,0.0700,0.0080,0.0080,n/a,n/a
North America,$US,0.0250,0.0040,0.0040,n/a,n/a
Rest of Africa,$US,0.0225,0.0040,0.0040,n/a,n/a
"""


def test_metas_rate_card_is_read_and_says_what_it_left_out():
    card = rate_card.read_card(CARD, DAY, "cartão")
    assert {price.country for price in card.prices} == {"BR", "US", "CA"}
    assert card.left_out == ("Rest of Africa",)
    [marketing] = [price for price in card.prices if (price.country, price.charge) == ("BR", Charge.MARKETING)]
    assert marketing == Price("BR", Charge.MARKETING, DAY, "USD", 70_000, "cartão")


def test_each_wrong_line_of_a_rate_card_has_its_sentence():
    head = "Market,Currency,Marketing,Utility\n"
    wrong = head + "Atlantis,USD,0.1,0.1\nBrazil,dollars,0.1,0.1\nBrazil,USD,much,0.1\nBrazil,USD\n"
    with pytest.raises(Refused) as refused:
        rate_card.read_card(wrong, DAY, "")
    said = str(refused.value)
    assert [f"{number}:" in said for number in (2, 3, 4, 5)] == [True] * 4
    for text in ("", "a,b\n", "Market,Currency\nBrazil,USD\n", head, head + "Brazil,USD,n/a,n/a\n", head + "Other,USD,1,1\n"):
        with pytest.raises(Refused):
            rate_card.read_card(text, DAY, "")


def test_each_wrong_line_of_an_own_list_has_its_sentence():
    head = "country,charge,valid_from,currency,amount,source\n"
    with pytest.raises(Refused) as refused:
        prices.read_prices(head + "BRA,service,2026-10-01,BRL,1,x\nBR,service,2026-10-01,BRL,1,x\nBR,service,soon,BRL,1,x\n")
    assert [f"{number}:" in str(refused.value) for number in (2, 3, 4)] == [True, False, True]


def test_a_cell_without_end_is_refused_with_its_line_and_old_line_ends_are_read():
    head, own = "Market,Currency,Marketing\n", "country,charge,valid_from,currency,amount,source\n"
    with pytest.raises(Refused, match="2:"):
        rate_card.read_card(f"{head}Brazil,USD,{'1' * 200_000}", DAY, "")
    with pytest.raises(Refused, match="2:"):
        prices.read_prices(f"{own}BR,service,2026-10-01,BRL,1,{'x' * 200_000}")
    assert len(rate_card.read_card(f"{head}Brazil,USD,1".replace("\n", "\r"), DAY, "").prices) == 1
    assert len(prices.read_prices(f"{own}BR,service,2026-10-01,BRL,1,x".replace("\n", "\r"))) == 1


@sqlite
def test_a_rate_card_leaves_earlier_prices_as_they_were(box, tenant_id):
    with box.unit(tenant_id) as uow:
        actions.import_rate_card(uow, CARD, date(2026, 12, 1), "cartão")
        actions.import_rate_card(uow, CARD.replace("0.0700", "0.0800"), date(2026, 12, 1), "cartão")
        found = queries.list_prices(uow)
        assert prices.price_on(found, "BR", Charge.MARKETING, date(2026, 11, 30)).micros == 62_500
        assert prices.price_on(found, "BR", Charge.MARKETING, date(2026, 12, 1)).micros == 80_000
        assert prices.price_on(found, "US", Charge.UTILITY, datetime(2026, 12, 2, tzinfo=UTC).date()).micros == 4_000
