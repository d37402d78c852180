"""The linked numbers of an organisation that is suspended: closed, with their keys."""

from dataclasses import replace

import pytest

from appliance.domains.channels.rules import linking
from appliance.domains.channels.types import LinkState
from tests.domains.channels.qr.conftest import QUICK
from tests.peers.phones import ME, OPEN
from tests.suspending import resume, suspend

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def patience(request):
    return getattr(request, "param", QUICK)


def test_its_number_is_closed_says_why_and_opens_again_without_a_code(opened, box, tenant_id, phones, await_link):
    suspend(box, tenant_id)
    closed = await_link(LinkState.CLOSED)
    assert (closed.last_error, closed.wanted, closed.is_linked) == (str(linking.SUSPENDED), True, True)
    known = len(phones.hellos)
    resume(box, tenant_id)
    phones.await_(lambda: len(phones.hellos) > known)
    phones.say(OPEN)
    row = await_link(LinkState.OPEN)
    assert (row.qr, row.last_error, row.jid, len(opened._links)) == (None, "", ME, 1)


@pytest.mark.parametrize("patience", [replace(QUICK, retries=1000)], indirect=True)
def test_a_number_that_waits_for_its_next_try_says_why_it_does_so_no_more(watch, begin, phones, await_link, box, tenant_id):
    watch()
    begin()
    phones.await_(lambda: phones.hellos)
    phones.kill_driver()
    await_link(lambda row: row.state is LinkState.CLOSED and row.retry_at is not None)
    suspend(box, tenant_id)
    assert await_link(lambda row: row.last_error == str(linking.SUSPENDED)).retry_at is None
