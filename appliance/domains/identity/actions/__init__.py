"""Everything that changes people, access and tenants.

Most take the caller's unit of work. Those that take the box hash passwords or must remember a failed attempt:
they open their own short units and are called with none open.
"""

from appliance.domains.identity.actions.api_keys import NewKey, create_api_key, revoke_api_key
from appliance.domains.identity.actions.attempts import forget_old as forget_old_attempts
from appliance.domains.identity.actions.attempts import heed_put_back
from appliance.domains.identity.actions.erasing import check_certificate, erase_tenant, find_tenant_id, rotate_tenant_key
from appliance.domains.identity.actions.hours import check_apart, set_hours
from appliance.domains.identity.actions.invitations import (
    Invited,
    Welcome,
    accept_invitation,
    invite,
    invite_as_box,
    read_invitation,
    resend_invitation,
    revoke_invitation,
)
from appliance.domains.identity.actions.keyless import remove_keyless
from appliance.domains.identity.actions.members import Granter, change_member, change_profile, remove_member
from appliance.domains.identity.actions.operating import (
    create_from_console,
    invite_from_console,
    put_status,
    release_address,
    reset_password,
)
from appliance.domains.identity.actions.recognising import is_ours, recognise
from appliance.domains.identity.actions.recording import as_tenant, record
from appliance.domains.identity.actions.roles import change_role, create_role, delete_role
from appliance.domains.identity.actions.seen import forget_old_sessions, note_seen
from appliance.domains.identity.actions.sessions import refresh, revoke_other_sessions, revoke_session, switch_tenant, tokens_of
from appliance.domains.identity.actions.setting_up import check_setup_code, complete_setup, create_setup_code, set_up_from_console
from appliance.domains.identity.actions.signing_in import change_password, sign_in, sign_in_for_tokens
from appliance.domains.identity.actions.tenants import add_member, change_tenant, create_tenant

__all__ = [
    "Granter",
    "Invited",
    "NewKey",
    "Welcome",
    "accept_invitation",
    "add_member",
    "as_tenant",
    "change_member",
    "change_password",
    "change_profile",
    "change_role",
    "change_tenant",
    "check_apart",
    "check_certificate",
    "check_setup_code",
    "complete_setup",
    "create_api_key",
    "create_from_console",
    "create_role",
    "create_setup_code",
    "create_tenant",
    "delete_role",
    "erase_tenant",
    "find_tenant_id",
    "forget_old_attempts",
    "forget_old_sessions",
    "heed_put_back",
    "invite",
    "invite_as_box",
    "invite_from_console",
    "is_ours",
    "note_seen",
    "put_status",
    "read_invitation",
    "recognise",
    "record",
    "refresh",
    "release_address",
    "remove_keyless",
    "remove_member",
    "resend_invitation",
    "reset_password",
    "revoke_api_key",
    "revoke_invitation",
    "revoke_other_sessions",
    "revoke_session",
    "rotate_tenant_key",
    "set_hours",
    "set_up_from_console",
    "sign_in",
    "sign_in_for_tokens",
    "switch_tenant",
    "tokens_of",
]
