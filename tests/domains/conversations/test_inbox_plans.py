"""The list of the inbox is read from its indexes, however many conversations and messages there are beside it."""

import pytest

from appliance.core.ids import new_id
from appliance.core.web import PageQuery
from appliance.domains.conversations import queries
from appliance.domains.conversations.queries import InboxFilter
from tests.statements import statements_of

pytestmark = pytest.mark.only_database("sqlite")  # PostgreSQL's planner scans tables of a few rows


@pytest.fixture
def plan_of(box, tenant_id):
    """How SQLite reads for the first thing that is asked of a table."""

    def planned(ask):
        with box.unit(tenant_id, read_only=True) as uow, statements_of(box) as statements:
            ask(uow)
        statement, values = next(found for found in statements if found[0].startswith("SELECT"))
        with box.database.engine.connect() as connection:
            return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]

    return planned


def test_what_never_left_is_looked_for_among_the_failed_not_among_all_messages(plan_of):
    plan = plan_of(lambda uow: queries.find_unsent(uow, [new_id()]))
    assert plan[0] == "SEARCH messages USING COVERING INDEX ix_messages_failed (tenant_id=? AND conversation_id=?)"


def test_the_counts_do_not_read_the_conversations(plan_of):
    plan = plan_of(lambda uow: queries.count_inbox(uow, user_id=new_id()))
    assert plan == ["SEARCH conversations USING COVERING INDEX ix_conversations_inbox (tenant_id=? AND status=?)"]


def test_the_newest_are_read_in_their_order(plan_of):
    plan = plan_of(lambda uow: queries.list_conversations(uow, InboxFilter(), PageQuery()))
    assert plan == ["SEARCH conversations USING INDEX ix_conversations_inbox (tenant_id=? AND status=?)"]


def test_reactions_are_looked_for_among_the_reactions_not_among_all_messages(plan_of):
    plan = plan_of(lambda uow: queries.list_reactions(uow, [new_id()]))
    read = [step for step in plan if "messages" in step]
    assert read == ["SEARCH messages USING INDEX ix_messages_reactions (tenant_id=? AND reply_to_id=?)"]
