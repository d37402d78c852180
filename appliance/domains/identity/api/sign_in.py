from uuid import UUID

from appliance.core import clock, web
from appliance.core.ids import NIL
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import actions, queries, schemas
from appliance.domains.identity.api.requests import device, person, who
from appliance.domains.identity.tables import LoginSession, User
from appliance.domains.identity.types import SessionKind, TokenPair

api = web.Api("auth")
PER_ADDRESS = "30/minute"


@api.post("/auth/login", access=web.PUBLIC, body=schemas.SignIn, returns=schemas.SignedInOut, unit=False, limit=PER_ADDRESS)
def login(call: web.Call, body: schemas.SignIn) -> schemas.SignedInOut:
    pair = actions.sign_in_for_tokens(call.box, email=body.email, password=body.password.get_secret_value(), device=device())
    return _answer(call, pair)


@api.post(
    "/auth/register", access=web.PUBLIC, body=schemas.Register, returns=schemas.SignedInOut, status=201, unit=False, limit=PER_ADDRESS
)
def register(call: web.Call, body: schemas.Register) -> schemas.SignedInOut:
    """By invitation only."""
    signed_in = actions.accept_invitation(
        call.box, token=body.token, name=body.name, password=body.password.get_secret_value(), device=device(), kind=SessionKind.TOKEN
    )
    return _answer(call, actions.tokens_of(call.box, signed_in, clock.now()))


@api.post("/auth/refresh", access=web.PUBLIC, body=schemas.Refresh, returns=schemas.Tokens, unit=False)
def refresh(call: web.Call, body: schemas.Refresh) -> TokenPair:
    return actions.refresh(call.box, body.refresh_token)


@api.post("/auth/logout")
def logout(uow: UnitOfWork) -> None:
    me = person()
    actions.revoke_session(uow, user_id=me.user_id, session_id=me.credential_id, because="signed out")


@api.get("/auth/whoami", returns=schemas.WhoAmI, unit=False)
def whoami(call: web.Call) -> schemas.WhoAmI:
    """Who belongs to several organisations and names none learns here which there are."""
    me = call.who
    return schemas.WhoAmI(
        user_id=me.user_id, tenant_id=None if me.tenant_id == NIL else me.tenant_id, name=me.name, email=me.email,
        role=me.role, permissions=sorted(me.permissions), via=me.via, is_operator=me.is_operator,
        tenants=[tenant_id for tenant_id, _name in me.tenants],
    )  # fmt: skip


@api.post("/auth/password", body=schemas.ChangePassword, unit=False, limit="10/minute")
def change_password(call: web.Call, body: schemas.ChangePassword) -> None:
    me = person()
    actions.change_password(
        call.box, user_id=me.user_id, tenant_id=me.tenant_id, keep_session=me.credential_id,
        current=body.current.get_secret_value(), new=body.new.get_secret_value(), device=device(),
    )  # fmt: skip


@api.post("/auth/tenant", body=schemas.SwitchTenant, unit=False)
def switch_tenant(call: web.Call, body: schemas.SwitchTenant) -> None:
    """The tenant this session works in when a request names none."""
    me = person()
    actions.switch_tenant(call.box, user_id=me.user_id, session_id=me.credential_id, tenant_id=body.tenant_id)


@api.get("/users/me", summary="The signed-in person", returns=schemas.UserOut)
def read_me(uow: UnitOfWork) -> User:
    return queries.get_user(uow, who().user_id)


@api.patch("/users/me", summary="Change one's own name and language", body=schemas.ProfileChange, returns=schemas.UserOut)
def change_me(uow: UnitOfWork, body: schemas.ProfileChange) -> User:
    return actions.change_profile(uow, person().user_id, body.model_dump(exclude_unset=True, exclude_none=True))


@api.get("/sessions", summary="One's own sessions", returns=list[schemas.SessionOut])
def list_sessions(uow: UnitOfWork) -> list[LoginSession]:
    return queries.list_sessions(uow, who().user_id)


@api.delete("/sessions", summary="End all of one's other sessions")
def revoke_other_sessions(uow: UnitOfWork) -> None:
    me = person()
    actions.revoke_other_sessions(uow, user_id=me.user_id, keep=me.credential_id)


@api.delete("/sessions/<uuid:session_id>", summary="End one of one's own sessions")
def revoke_session(uow: UnitOfWork, session_id: UUID) -> None:
    actions.revoke_session(uow, user_id=person().user_id, session_id=session_id)


def _answer(call: web.Call, pair: TokenPair) -> schemas.SignedInOut:
    with call.box.whole_box("sign in", read_only=True) as uow:
        user = queries.get_user(uow, pair.user_id)
        seats = queries.seats_of(uow, user.id)
        return schemas.SignedInOut(
            access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in,
            user=schemas.UserOut.model_validate(user),
            tenants=[schemas.Seat(id=tenant.id, name=tenant.name, slug=tenant.slug, role=role) for tenant, role in seats],
        )  # fmt: skip
