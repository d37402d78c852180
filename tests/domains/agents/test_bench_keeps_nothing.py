from appliance.domains.knowledge import queries as documents


def test_the_bench_leaves_neither_a_question_nor_a_gap_behind(client, box, tenant_id):
    agent = client.post("/api/v1/agents", json={"name": "Aurora"}).json["id"]
    answer = client.post(f"/api/v1/agents/{agent}/test", json={"question": "quem descobriu o Brasil?"}).json
    assert answer["outcome"] == "fallback"
    with box.unit(tenant_id, read_only=True) as uow:
        assert documents.list_gaps(uow).total == 0
