from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from appliance.domains.branding import queries as branding
from appliance.domains.channels.gateways.email import complaints, leaving, signing, smtp, tracking
from appliance.domains.channels.gateways.email.composing import Attached, Letterhead, Thread, compose, message_id, thread_of
from appliance.domains.channels.gateways.email.settings import EmailSettings
from appliance.domains.channels.tables import MailKey
from appliance.domains.channels.types import Account, MailKeyState, Sent, Unconfirmed
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.types import Sender

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork
    from appliance.domains.conversations.types import Outgoing

NOTICE_AFTER = timedelta(hours=24)  # of silence: from then on the gate of consent takes a mail for a notice too
LOOKED_BACK = 50  # messages, for the mail that is answered


class EmailTransport:
    def __init__(self, box: Box, account: Account) -> None:
        self._box = box
        self._account = account
        self._config = EmailSettings.model_validate(account.config)

    def send(self, message: Outgoing) -> Sent | Unconfirmed:
        config = self._config
        with self._box.unit(self._account.tenant_id, read_only=True) as uow:
            thread, now = self._thread(uow, message), uow.now
            conversation = conversations.get_conversation(uow, message.conversation_id)
            is_notice = conversation.last_inbound_at is None or now - conversation.last_inbound_at > NOTICE_AFTER
            contact_id, key = conversation.contact_id, self._signing_key(uow)
            is_for_one = not thread.copies  # who got a copy could end what another wants, and agreed to nothing
            tells = is_notice and is_for_one and tracking.may_track(uow, config, contact_id)
        account = self._account
        way_out = leaving.headers_of(self._box, account.tenant_id, account.channel_id, contact_id) if is_notice and is_for_one else {}
        proof = complaints.headers_of(self._box, account.tenant_id, account.channel_id, message.message_id) if is_for_one else {}
        mark = tracking.marker_of(self._box, account.tenant_id, account.channel_id, message.message_id) if tells else str
        with self._box.whole_box("letterhead of an organisation", read_only=True) as uow:
            look = branding.get_look(uow, account.tenant_id)
        extra = {**way_out, **proof}
        head = Letterhead(config.address, config.from_name, config.signature, extra, mark, look.mail_header, look.mail_footer)
        mail = compose(message, head, thread, now=now, attached=self._attached(message))
        content = signing.sign(mail.as_bytes(), key, now=now) if key else mail.as_bytes()
        with smtp.signed_in(self._box, self._account) as session:
            is_taken = smtp.send(session, config.smtp_host, content, sender=config.address, recipients=(message.to, *thread.copies))
        return Sent(message_id(message.client_id, config.address)) if is_taken else Unconfirmed()

    def _signing_key(self, uow: UnitOfWork) -> signing.SigningKey | None:
        """One of another domain proves nothing: the mailbox got a new address since it was made."""
        domain = self._config.address.rpartition("@")[2]
        own = MailKey.channel_id == self._account.channel_id, MailKey.state == MailKeyState.SIGNING, MailKey.domain == domain
        key = uow.session.scalar(select(MailKey).where(*own))
        return signing.SigningKey(key.domain, key.selector, key.private) if key else None

    def _thread(self, uow: UnitOfWork, message: Outgoing) -> Thread:
        """A subject of its own, else an answer to the mail that is quoted, else to the last there was."""
        ours = conversations.get_message(uow, message.message_id)
        is_automatic = ours.sender is not Sender.USER
        if begun := message.content.get("mail"):
            return Thread(str(begun.get("subject", "")), is_automatic=is_automatic, copies=tuple(begun.get("cc", ())))
        recent = conversations.list_messages(uow, message.conversation_id, before=ours.number, limit=LOOKED_BACK)
        mails = [row for row in recent if row.content.get("mail") and "part" not in row.content["mail"] and row.provider_message_id]
        quoted = [row for row in mails if row.provider_message_id == message.reply_to_provider_id]
        found = (quoted or mails)[-1:]
        thread = thread_of(found[0].content, str(found[0].provider_message_id)) if found else Thread(self._config.from_name)
        copies = () if is_automatic else tuple(one for one in thread.copies if one != message.to)
        return Thread(thread.subject, thread.parent, thread.references, is_automatic, copies)

    def _attached(self, message: Outgoing) -> Attached | None:
        media = message.content.get("media")
        if not media:
            return None
        content = self._box.blobs.read_all(self._account.tenant_id, UUID(str(media["blob_id"])))
        return Attached(content, str(media.get("mime_type") or ""), str(media.get("filename") or "file"))
