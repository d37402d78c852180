"""Roles and permissions. A role is a set of `resource:action` names; the built-in ones come from the manifests."""

from collections.abc import Iterable
from typing import NoReturn

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.identity.errors import BeyondOwnRights, LastOwner, UnknownPermission
from appliance.domains.identity.types import BUILT_IN_ROLES, OPERATOR, OWNER


def check_permissions_exist(wanted: Iterable[str], grantable: frozenset[str]) -> None:
    unknown = sorted(set(wanted) - grantable)
    if unknown:
        raise UnknownPermission(", ".join(unknown))


def check_may_grant(wanted: frozenset[str], own: frozenset[str]) -> None:
    if not wanted <= own:
        raise BeyondOwnRights


def check_may_touch_owner(own_role: str, *roles: str) -> None:
    """Only an owner makes, changes or removes one."""
    if OWNER in roles and own_role != OWNER:
        raise BeyondOwnRights


def check_an_owner_remains(*, role_before: str, stays_owner: bool, other_owners: int) -> None:
    if role_before == OWNER and not stays_owner and other_owners == 0:
        raise LastOwner


def refuse_unknown_role() -> NoReturn:
    sentence = _("There is no such role.")
    raise Refused(sentence, fields={"role": sentence})


def check_role_key_free(key: str, taken: Iterable[str]) -> None:
    if key in BUILT_IN_ROLES or key == OPERATOR or key in set(taken):
        sentence = _("There is already a role of this name.")
        raise Refused(sentence, fields={"name": sentence})


def effective(scopes: frozenset[str] | None, permissions: frozenset[str]) -> frozenset[str]:
    """A key never outlives the rights of the person who made it."""
    return permissions if scopes is None else permissions & scopes
