from datetime import timedelta

from appliance.core.manifest import Check, Cron, Manifest
from appliance.domains.identity import actions, jobs, queries
from appliance.domains.identity.api import audit, hours, keys, sign_in, tenants
from appliance.domains.identity.events import (
    MemberChanged,
    MemberDisabled,
    MemberEnabled,
    MemberJoined,
    MemberRemoved,
    TenantChanged,
)
from appliance.domains.identity.types import BUILT_IN_ROLES, OPERATOR

_KEEPERS = ("owner", "admin")
_LEADERS = (*_KEEPERS, "manager")

MANIFEST = Manifest(
    "identity",
    apis=(sign_in.api, tenants.api, hours.api, keys.api, audit.api),
    cron=(
        Cron("note_seen", jobs.note_seen, every=timedelta(minutes=1)),
        Cron("forget_old", jobs.forget_old, every=timedelta(hours=1)),
    ),
    permissions={
        "tenant:read": (*BUILT_IN_ROLES, OPERATOR),
        "tenant:write": (*_KEEPERS, OPERATOR),
        "tenants:create": (OPERATOR,),
        "hours:write": _LEADERS,
        "members:read": _LEADERS,
        "members:write": _KEEPERS,
        "roles:read": _LEADERS,
        "roles:write": _KEEPERS,
        "api_keys:read": _KEEPERS,
        "api_keys:write": _KEEPERS,
        "audit:read": _KEEPERS,
    },
    live={
        MemberJoined: "members:read",
        MemberChanged: "members:read",
        MemberEnabled: "members:read",
        MemberDisabled: "members:read",
        MemberRemoved: "members:read",
        TenantChanged: "tenant:read",
    },
    clock_put_back=(actions.heed_put_back,),
    suspended=queries.SUSPENDED,
    checks=(Check("audit", jobs.check_audit, thorough=True),),
)
