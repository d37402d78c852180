import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, update

from appliance.core.ids import NIL
from appliance.domains.identity import actions, jobs, queries
from appliance.domains.identity.schemas import AuditQuery
from appliance.domains.identity.tables import AppendOnly, AuditEntry, AuditHead


@pytest.fixture
def recorded(box, ana):
    with box.unit(ana.tenant_id, ana.actor) as uow:
        for number in range(5):
            actions.record(uow, "thing.done", about=("thing", number), before={"password": "x"}, after={"n": number}, ip="192.0.2.7")
    return ana.tenant_id


def tamper(box, tenant_id, statement):
    """As somebody with the database in hand, past every guard of ours."""
    with box.whole_box("tamper") as uow:
        uow.session.execute(statement.execution_options(synchronize_session=False))


def test_an_untouched_record_holds(box, recorded):
    assert jobs.verify_audit(box) == []
    assert jobs.check_audit(box).ok


@pytest.mark.parametrize(
    "change",
    [
        {"actor_name": "Somebody else"}, {"action": "thing.undone"}, {"object_id": "99"}, {"after": {"n": 99}}, {"before": None},
        {"ip": "203.0.113.1"}, {"request_id": "x"}, {"hash": "0" * 64}, {"actor_id": None},
    ],
)  # fmt: skip
def test_an_edited_line_is_found(box, recorded, change):
    with box.whole_box("test") as uow:
        seq = queries.list_audit(uow, AuditQuery(action="thing")).items[2].seq
    tamper(box, recorded, update(AuditEntry).where(AuditEntry.tenant_id == recorded, AuditEntry.seq == seq).values(**change))
    faults = jobs.verify_audit(box)
    assert [(fault.tenant_id, fault.seq, fault.reason) for fault in faults] == [(recorded, seq, "edited")]
    assert not jobs.check_audit(box).ok


@pytest.mark.parametrize("place", ["first", "middle", "last", "all"])
def test_a_removed_line_is_found(box, recorded, place):
    with box.whole_box("test") as uow:
        seqs = sorted(line.seq for line in queries.list_audit(uow, AuditQuery()).items if line.tenant_id == recorded)
    gone = {"first": seqs[:1], "middle": seqs[2:3], "last": seqs[-1:], "all": seqs}[place]
    tamper(box, recorded, delete(AuditEntry).where(AuditEntry.tenant_id == recorded, AuditEntry.seq.in_(gone)))
    faults = jobs.verify_audit(box)
    assert [(fault.tenant_id, fault.reason) for fault in faults] == [(recorded, "removed")]


def test_taking_the_head_back_with_the_last_line_is_found(box, recorded):
    with box.whole_box("test") as uow:
        last = queries.list_audit(uow, AuditQuery(action="thing")).items[0].seq
    tamper(box, recorded, delete(AuditEntry).where(AuditEntry.tenant_id == recorded, AuditEntry.seq == last))
    tamper(box, recorded, update(AuditHead).where(AuditHead.tenant_id == recorded).values(seq=last - 1))
    assert jobs.verify_audit(box)


def test_a_chain_without_its_head_is_found(box, recorded):
    tamper(box, recorded, delete(AuditHead).where(AuditHead.tenant_id == recorded))
    assert [fault.tenant_id for fault in jobs.verify_audit(box)] == [recorded]


def test_our_own_code_cannot_change_a_line(box, recorded):
    with pytest.raises(AppendOnly), box.unit(recorded) as uow:
        queries.list_audit(uow, AuditQuery()).items[0].action = "else"
    with pytest.raises(AppendOnly), box.unit(recorded) as uow:
        uow.session.delete(queries.list_audit(uow, AuditQuery()).items[0])


def test_many_writers_make_one_chain(box, tenant_id):
    def write(number):
        with box.unit(tenant_id) as uow:
            actions.record(uow, "thing.done", about=("thing", number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(24)))
    with box.unit(tenant_id) as uow:
        assert queries.verify_chain(uow, tenant_id) is None
        assert queries.list_audit(uow, AuditQuery()).total == 24


def test_a_refused_change_leaves_no_line(box, tenant_id):
    with pytest.raises(ZeroDivisionError), box.unit(tenant_id) as uow:
        actions.record(uow, "thing.done")
        raise ZeroDivisionError
    with box.unit(tenant_id) as uow:
        assert queries.list_audit(uow, AuditQuery()).total == 0


def test_secrets_never_enter_the_record(box, recorded):
    with box.unit(recorded) as uow:
        assert queries.list_audit(uow, AuditQuery(action="thing")).items[0].before == {"password": "•••"}


def test_a_tenant_reads_its_own_record_only(as_ana, as_carla, recorded):
    assert as_carla.get("/api/v1/audit", query_string={"action": "thing"}).get_json()["total"] == 0
    listed = as_ana.get("/api/v1/audit", query_string={"action": "thing", "limit": 2}).get_json()
    assert (listed["total"], len(listed["items"])) == (5, 2)
    assert listed["items"][0]["after"] == {"n": 4}


def test_the_record_is_filtered_by_actor_and_time(as_ana, ana, bruno, recorded):
    def total(**query):
        return as_ana.get("/api/v1/audit", query_string=query).get_json()["total"]

    assert total(actor=str(ana.user_id), action="thing") == 5
    assert total(actor=str(bruno.user_id), action="thing") == 0
    assert total(action="thing", **{"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}) == 0
    assert total(action="thing", **{"from": "2020-01-01T00:00:00Z"}) == 5
    assert as_ana.get("/api/v1/audit", query_string={"from": "yesterday"}).status_code == 422


def test_the_record_leaves_the_box_as_lines_in_order(as_ana, recorded):
    text = as_ana.get("/api/v1/audit/export", query_string={"format": "jsonl", "action": "thing"}).get_data(as_text=True)
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["after"]["n"] for line in lines] == [0, 1, 2, 3, 4]
    assert all(len(line["hash"]) == 64 for line in lines)


def test_a_spreadsheet_runs_nothing_of_an_export(box, as_ana, ana, recorded):
    with box.unit(ana.tenant_id) as uow:
        actions.record(uow, "=cmd|' /C calc'!A0", about=("thing", "+1"))
    answer = as_ana.get("/api/v1/audit/export", query_string={"format": "csv"})
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert rows[-1]["action"] == "'=cmd|' /C calc'!A0"
    assert rows[-1]["object_id"] == "'+1"
    assert json.loads(rows[-2]["after"]) == {"n": 4}


def test_a_tenant_verifies_its_own_record(box, as_ana, recorded):
    assert as_ana.get("/api/v1/audit/verify").get_json() == {"holds": True, "fault": None}
    tamper(box, recorded, update(AuditEntry).where(AuditEntry.tenant_id == recorded, AuditEntry.seq == 1).values(object_id="x"))
    assert as_ana.get("/api/v1/audit/verify").get_json() == {"holds": False, "fault": {"seq": 1, "reason": "edited"}}


def test_what_belongs_to_nobody_is_on_the_record_of_the_box(box, ana):
    with box.whole_box("test") as uow:
        assert NIL in queries.list_chains(uow)


@pytest.mark.only_database("sqlite")
def test_addresses_and_contents_are_ciphertext_in_the_table(box, recorded):
    with box.database.engine.connect() as connection:
        raw = connection.exec_driver_sql("SELECT ip, after FROM audit_log WHERE action = 'thing.done'").all()
    assert not any(b"192.0.2.7" in ip or b'"n"' in after for ip, after in raw)
