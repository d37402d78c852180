"""A document is filed for agents that the organisation has, whichever way it comes in."""

import base64
import io
from uuid import UUID

import pytest
from sqlalchemy import delete

from appliance.core.ids import new_id
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.agents.tables import Agent, AgentVersion

TEXT = b"# Trocas\n\nO prazo para troca por arrependimento.\n"


@pytest.fixture
def begin(client):
    def start(agent):
        named = f"filename {base64.b64encode(b'a.md').decode()},agent_id {base64.b64encode(str(agent).encode()).decode()}"
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(TEXT)), "Upload-Metadata": named}
        return client.post("/api/v1/documents/tus", headers=headers)

    return start


def upload(client, agent=None):
    form = {"file": (io.BytesIO(TEXT), "trocas.md"), **({"agent_id": str(agent)} if agent else {})}
    return client.post("/api/v1/documents/upload", data=form, content_type="multipart/form-data")


def test_an_agent_of_the_organisation_may_be_named(client, begin, make_agent):
    lia = make_agent()
    document = upload(client, lia).json["id"]
    assert client.get(f"/api/v1/documents/{document}").json["agents"] == [str(lia)]
    assert client.put(f"/api/v1/documents/{document}/filing", json={"agents": [str(lia)]}).status_code == 200
    assert begin(lia).status_code == 201


def test_an_agent_that_the_organisation_does_not_have_is_refused(box, client, begin, other_tenant_id):
    with box.unit(other_tenant_id) as uow:
        foreign = agents.create_agent(uow, AgentIn(name="Beto")).id
    document = upload(client).json["id"]
    for agent in (foreign, new_id()):
        filed = client.put(f"/api/v1/documents/{document}/filing", json={"agents": [str(agent)]})
        for answer in (filed, begin(agent), upload(client, agent)):
            assert (answer.status_code, "no such agent" in answer.json["detail"]) == (422, True)
    assert client.get(f"/api/v1/documents/{document}").json["agents"] == []


def test_a_file_whose_agent_went_while_it_was_on_its_way_still_arrives(box, client, begin, make_agent, tenant_id):
    lia = make_agent()
    address = begin(lia).headers["Location"]
    with box.unit(tenant_id) as uow:
        uow.session.execute(delete(AgentVersion).where(AgentVersion.agent_id == lia))
        uow.session.execute(delete(Agent).where(Agent.id == lia))
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    arrived = client.patch(address, data=TEXT, headers=headers)
    assert (arrived.status_code, bool(UUID(arrived.headers["Document-Id"]))) == (204, True)
