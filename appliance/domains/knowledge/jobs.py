"""Watching over documents that do not move."""

from datetime import timedelta

from appliance.core.box import Box
from appliance.core.i18n import gettext as _
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import indexing

STUCK_AFTER = timedelta(hours=6)


def fail_stuck_documents(box: Box) -> None:
    """A step that died for good must not leave a document "processing" for ever."""
    with box.whole_box("stuck documents", read_only=True) as uow:
        stuck = [(version.tenant_id, version.id) for version in queries.list_unfinished(uow) if version.updated_at < uow.now - STUCK_AFTER]
    for tenant_id, version_id in stuck:
        with box.unit(tenant_id) as uow:
            indexing.fail_version(uow, version_id, _("Reading this document stopped half way. Start it again."))
