"""What an empty list says: nobody wrote yet, or nobody is open."""

import pytest

from appliance.domains.conversations import actions
from tests.factories.channels import make_simulator, say

pytestmark = pytest.mark.only_database("sqlite")


def test_an_empty_list_says_nobody_wrote_only_before_somebody_did(app, box, tenant_id, browser_headers):
    def shown():
        said = app.test_client().get("/inbox/list", headers=browser_headers).text.partition('class="empty"')[2]
        return "Nenhuma conversa ainda" in said, "Nenhuma conversa aberta" in said, "Ver as resolvidas" in said

    assert shown() == (True, False, False)
    with box.unit(tenant_id) as uow:
        conversation_id = say(uow, make_simulator(uow), "Oi")
    with box.unit(tenant_id) as uow:
        actions.resolve(uow, conversation_id)
    assert shown() == (False, True, True)
