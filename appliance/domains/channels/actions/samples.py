"""The file that a template brings along: kept sealed, replaced, given up."""

from dataclasses import asdict
from uuid import UUID

from appliance.core import files
from appliance.core.box import Box
from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork, Units
from appliance.core.web import Upload
from appliance.domains.channels import queries
from appliance.domains.channels.events import TemplateChanged
from appliance.domains.channels.rules import headers
from appliance.domains.channels.schemas import TemplateOut
from appliance.domains.channels.tables import MessageTemplate
from appliance.domains.channels.types import Sample, TemplateKind, TemplateStatus


def take_sample(box: Box, tenant_id: UUID, unit: Units, template_id: UUID, file: Upload) -> TemplateOut:
    """What was just stored becomes the template's file, or is gone again. Raises Refused."""
    try:
        with unit() as uow:
            return TemplateOut.model_validate(keep_sample(uow, template_id, file))
    finally:
        files.give_up(box, tenant_id, file.blob_id)  # where it was not taken


def keep_sample(uow: UnitOfWork, template_id: UUID, file: Upload) -> MessageTemplate:
    """In place of the one before. Of a template that the provider has it changes what goes out, not what was approved."""
    template = queries.lock_template(uow, template_id)
    if template.status is TemplateStatus.QUEUED:
        raise Conflict(_("This template with its file is on its way to WhatsApp. Wait a moment."))
    media = queries.parts_of(template).media
    if template.kind is not TemplateKind.EMAIL and media not in headers.FILES:
        raise _refused(_("This template has no place for a file: choose a picture, a video or a document as its header first."))
    if problem := headers.problem_of_file(media, file.mime_type, file.size):
        raise _refused(problem)
    files.let_go(uow, [template.id])
    files.use(uow, template.id, [file.blob_id])
    template.sample = {**asdict(Sample(file.blob_id, file.mime_type, file.filename, file.size)), "blob_id": str(file.blob_id)}
    template.changed_at = uow.now
    uow.emit(TemplateChanged(template.id))
    return template


def drop_sample(uow: UnitOfWork, template_id: UUID) -> MessageTemplate:
    template = queries.lock_template(uow, template_id)
    if template.status in {TemplateStatus.QUEUED, TemplateStatus.PENDING}:
        raise Conflict(_("WhatsApp looks at this template with its file now. Wait for the verdict."))
    files.let_go(uow, [template.id])
    template.sample, template.changed_at = None, uow.now
    uow.emit(TemplateChanged(template.id))
    return template


def _refused(said: object) -> Refused:
    return Refused(said, fields={"file": said})
