import pytest

from appliance.core.errors import Conflict, Forbidden, Refused
from appliance.core.ids import new_id
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.errors import SavedViewNotFound
from appliance.domains.conversations.schemas import SavedViewIn, SavedViewPatch, TeamIn, ViewFilters
from tests import cast as people
from tests.statements import statements_of

VIP = ViewFilters(label="vip")


@pytest.fixture
def save(box, tenant_id, bruno):
    def make(name, *, by=bruno, **given):
        with box.unit(tenant_id) as uow:
            return actions.create_view(uow, SavedViewIn(name=name, **{"filters": VIP, **given}), user_id=by).id

    return make


@pytest.fixture
def change(box, tenant_id, bruno):
    def put(view_id, *, by=bruno, manages=False, **changes):
        with box.unit(tenant_id) as uow:
            actions.change_view(uow, view_id, SavedViewPatch(**changes), user_id=by, manages=manages)

    return put


@pytest.fixture
def seen(box, tenant_id, bruno):
    def names(by=bruno):
        with box.unit(tenant_id, read_only=True) as uow:
            return [(view.name, view.count) for view in queries.list_views(uow, user_id=by)]

    return names


def test_a_view_counts_what_waits_in_it_for_who_looks(box, tenant_id, bruno, says, save, seen):
    vip, _other = says("oi"), says("oi", visitor="beto")
    with box.unit(tenant_id) as uow:
        actions.change_labels(uow, vip, ["vip"])
        actions.assign(uow, vip, user_id=bruno)
    save("VIP", shared=True)
    save("Todas", filters=ViewFilters(), shared=True)
    save("Minhas", filters=ViewFilters(view="mine"), shared=True)
    save("Feitas", filters=ViewFilters(view="resolved"), shared=True)
    assert seen() == [("VIP", 1), ("Todas", 2), ("Minhas", 1), ("Feitas", None)]
    assert seen(by=new_id())[2] == ("Minhas", 0)


def test_what_is_not_shared_is_seen_by_its_owner_alone(box, tenant_id, save, seen):
    mine = save("Só minha")
    assert seen() == [("Só minha", 0)]
    assert seen(by=new_id()) == []
    with box.unit(tenant_id, read_only=True) as uow, pytest.raises(SavedViewNotFound):
        queries.get_view(uow, mine, user_id=new_id())


def test_what_is_shared_with_a_team_is_seen_by_its_people_and_goes_with_it(box, tenant_id, save, seen):
    colleague = people.with_role(box, tenant_id, "rep").user_id
    with box.unit(tenant_id) as uow:
        team = actions.create_team(uow, TeamIn(name="Vendas", member_ids=[colleague])).id
    save("Da equipe", shared=True, team_id=team)
    assert [seen(), seen(by=colleague), seen(by=new_id())] == [[("Da equipe", 0)], [("Da equipe", 0)], []]
    with box.unit(tenant_id) as uow:
        actions.delete_team(uow, team)
    assert seen() == []


def test_who_sees_a_shared_view_does_not_change_it_unless_they_look_after_the_inbox(save, change, seen):
    view = save("VIP", shared=True)
    with pytest.raises(Forbidden):
        change(view, by=new_id(), name="Outra")
    change(view, by=new_id(), manages=True, name="Clientes VIP")
    assert seen() == [("Clientes VIP", 0)]


def test_two_views_of_one_list_do_not_share_a_name(save, change):
    first = save("VIP")
    with pytest.raises(Conflict):
        save(" vip ")
    save("VIP", shared=True)
    with pytest.raises(Conflict):
        change(first, shared=True)


def test_a_name_that_another_teams_view_has_is_said_with_the_team(box, tenant_id, save):
    with box.unit(tenant_id) as uow:
        team = actions.create_team(uow, TeamIn(name="Vendas")).id
    save("VIP", by=new_id(), shared=True, team_id=team)
    with pytest.raises(Conflict, match="Vendas"):
        save("vip", shared=True)


def test_views_stand_in_the_order_they_were_put_in_own_ones_first(save, change, seen):
    save("Da empresa", shared=True)
    for name in ("a", "b", "c"):
        last = save(name)
    change(last, place=0)
    assert [name for name, _count in seen()] == ["c", "a", "b", "Da empresa"]
    change(last, shared=True, place=9)
    assert [name for name, _count in seen()] == ["a", "b", "Da empresa", "c"]


def test_a_view_is_moved_among_those_that_its_mover_sees(box, tenant_id, save, change, seen):
    colleague = people.with_role(box, tenant_id, "rep").user_id
    with box.unit(tenant_id) as uow:
        team = actions.create_team(uow, TeamIn(name="Vendas", member_ids=[colleague])).id
    first = save("a", shared=True)
    save("só da equipe", by=colleague, shared=True, team_id=team)
    save("b", shared=True)
    change(first, place=1)
    assert [name for name, _count in seen()] == ["b", "a"]
    change(first, place=0)
    assert [name for name, _count in seen()] == ["a", "b"]
    assert [name for name, _count in seen(by=colleague)] == ["só da equipe", "a", "b"]


def test_a_person_keeps_so_many_views_and_no_more(save, monkeypatch):
    monkeypatch.setattr("appliance.domains.conversations.actions.views.MOST", 2)
    for name in ("a", "b"):
        save(name)
    with pytest.raises(Refused):
        save("c")
    save("d", by=new_id())


def test_nobody_uses_up_what_all_share(save, monkeypatch):
    monkeypatch.setattr("appliance.domains.conversations.actions.views.MOST", 2)
    monkeypatch.setattr("appliance.domains.conversations.actions.views.MOST_SHARED", 3)
    for name in ("a", "b"):
        save(name, shared=True)
    with pytest.raises(Refused):
        save("c", shared=True)
    save("d", by=new_id(), shared=True)
    with pytest.raises(Refused, match="3"):
        save("e", by=new_id(), shared=True)


def test_many_views_are_counted_in_as_many_statements_as_one(box, tenant_id, bruno, save):
    def cost():
        with statements_of(box) as statements, box.unit(tenant_id, read_only=True) as uow:
            queries.list_views(uow, user_id=bruno)
        return len(statements)

    save("a")
    one = cost()
    for name in ("b", "c", "d"):
        save(name, filters=ViewFilters(priority="high", deadline="missed"))
    assert cost() == one


def test_views_are_made_changed_and_deleted_by_the_api(client):
    made = client.post("/api/v1/inbox-views", json={"name": "VIP", "filters": {"label": "vip"}})
    assert (made.status_code, made.json["count"]) == (201, 0)
    at = f"/api/v1/inbox-views/{made.json['id']}"
    assert client.patch(at, json={"name": "Clientes VIP", "shared": True}).json["shared"] is True
    assert [view["name"] for view in client.get("/api/v1/inbox-views").json] == ["Clientes VIP"]
    assert client.delete(at).status_code == 204
    assert client.get(at).status_code == 404
    assert client.post("/api/v1/inbox-views", json={"name": "  ", "filters": {}}).status_code == 422
