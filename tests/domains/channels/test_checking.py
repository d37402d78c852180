import pytest

from appliance.core.errors import Refused, Unavailable
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.cloud import checkup
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.types import Checkup, Quality
from tests.peers.graph import Misbehaviour

HOOK = "https://caixa.solara.example/webhooks/whatsapp"


@pytest.fixture
def check(box, tenant_id):
    def ask(channel_id):
        with box.unit(tenant_id, read_only=True) as uow:
            account = queries.get_account(uow, channel_id)
        return actions.check_connection(box, account)

    return ask


def test_a_connected_number_says_who_it_is_and_where_it_delivers(check, cloud, graph):
    graph.number["webhook_configuration"] = {"application": "https://old.example", "phone_number": HOOK}
    assert check(cloud) == Checkup("+55 11 95512-0148", "Solara Energia", Quality.HIGH, HOOK, 2000)


def test_a_number_without_a_webhook_or_a_rating_is_told_apart(check, cloud, graph):
    graph.number["quality_rating"] = "UNKNOWN"
    found = check(cloud)
    assert (found.quality, found.webhook) == (Quality.UNRATED, "")


@pytest.mark.parametrize(("tier", "people"), [
    ("TIER_250", 250), ("TIER_100K", 100_000), ("TIER_UNLIMITED", "unlimited"), ("TIER_NOT_SET", None), ("", None),
])  # fmt: skip
def test_a_number_says_how_many_it_may_write_to_first(check, cloud, graph, tier, people):
    graph.number["messaging_limit_tier"] = tier
    assert check(cloud).messaging_limit == people


@pytest.mark.parametrize(("version", "field"), [
    ("v23.0", "messaging_limit_tier"), ("v24.0", "whatsapp_business_manager_messaging_limit"),
])  # fmt: skip
def test_each_version_of_the_graph_api_is_asked_for_the_field_it_knows(version, field):
    assert checkup.limit_field(f"https://graph.facebook.com/{version}") == field


def test_a_stale_token_is_named(box, tenant_id, check, cloud):
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, cloud, ChannelPatch(secrets={"access_token": "stale"}))
    with pytest.raises(Refused, match="access token"):
        check(cloud)


def test_an_unknown_number_is_named(box, tenant_id, check):
    given = ChannelIn(
        kind="whatsapp_cloud", name="Outro", external_id="99",
        secrets={"access_token": "EAAG-token", "app_secret": "s", "verify_token": "v"},
    )
    with box.unit(tenant_id) as uow:
        other = actions.create_channel(uow, given).id
    with pytest.raises(Refused, match="phone number id"):
        check(other)


def test_an_outage_is_no_verdict(check, cloud, graph):
    graph.misbehave.append(Misbehaviour(status=503))
    with pytest.raises(Unavailable):
        check(cloud)


def test_a_simulator_has_nothing_to_test(box, tenant_id, check):
    with box.unit(tenant_id) as uow:
        simulator = actions.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    with pytest.raises(Refused):
        check(simulator)


def test_the_test_is_there_for_programs_too(client, cloud):
    answer = client.post(f"/api/v1/channels/{cloud}/check")
    assert answer.status_code == 200
    number = {"phone": "+55 11 95512-0148", "name": "Solara Energia", "quality": "high", "webhook": "", "messaging_limit": 2000}
    assert answer.json == number
