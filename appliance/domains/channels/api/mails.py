from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call, keep_upload
from appliance.domains.channels import actions
from appliance.domains.channels.schemas import MailIn
from appliance.domains.conversations.schemas import AttachmentOut, MessageOut

mails = Api("mails")
WRITE = "conversations:write"


@mails.post("/mails", permission=WRITE, body=MailIn, returns=MessageOut, status=201, summary="Begin a mail")
def begin_mail(uow: UnitOfWork, body: MailIn) -> MessageOut:
    return actions.begin_mail(uow, body, user_id=uow.actor.writer_id)


@mails.post(
    "/mails/attachments", permission=WRITE, unit=False, returns=AttachmentOut, status=201,
    summary="Store a file (multipart field `file`) that you send within a day with a mail that begins something",
)  # fmt: skip
def upload_file(call: Call) -> AttachmentOut:
    limit = call.box.settings.channels.max_media_mb * 2**20
    return AttachmentOut.model_validate(keep_upload(call.box, call.who.tenant_id, call.who.actor, limit=limit))
