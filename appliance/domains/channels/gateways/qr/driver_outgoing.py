"""A command to send, as the message that the library sends."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from appliance.core import sound
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.driver_film import film_of
from appliance.domains.channels.gateways.qr.driver_library import common, e2e, enum, wa
from appliance.domains.channels.gateways.qr.driver_store import secret_of

FIELDS = {
    "image": ("imageMessage", enum.MediaType.MediaImage),
    "sticker": ("stickerMessage", enum.MediaType.MediaImage),
    "video": ("videoMessage", enum.MediaType.MediaVideo),
    "audio": ("audioMessage", enum.MediaType.MediaAudio),
    "document": ("documentMessage", enum.MediaType.MediaDocument),
}
MOST_PIXELS = 50_000_000  # a picture of 700 KiB may unfold to a gigabyte; larger ones go without a preview
PREVIEW = (72, 72)
VOICE = "audio/ogg; codecs=opus"  # any other label and a telephone shows a file, not a voice

Upload = Callable[[bytes, Any], Any]


class CannotSend(ValueError):
    """This message will never leave as it is."""


def address_of(text: str) -> Any:
    """Raises CannotSend."""
    user, at, server = text.rpartition("@")
    if not at or not user:
        raise CannotSend(f"{text!r:.80} is no JID")
    return wa.JID(User=user.partition(":")[0], Server=server, RawAgent=0, Device=0, Integrator=0, IsEmpty=False)


def built(send: wire.Send, upload: Upload, me: str) -> Any:
    """`me`: our own JID, named where one of our own messages is quoted. Raises CannotSend."""
    if send.kind == "reaction":  # the last one counts: sent twice it is still one
        return _reaction(send)
    body = _body(send, upload)
    about = getattr(body, body.ListFields()[0][0].name)
    if send.reply_to is not None:
        about.contextInfo.CopyFrom(_quoting(send.reply_to, send.to, me))
    if send.mentions:
        about.contextInfo.mentionedJID.extend(send.mentions)
    body.messageContextInfo.messageSecret = secret_of(send.id)
    return body


def _body(send: wire.Send, upload: Upload) -> Any:
    content = send.content
    if send.kind == "text":
        text = str(content.get("text", ""))
        with_context = send.reply_to or send.mentions
        return e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text=text)) if with_context else e2e.Message(conversation=text)
    if send.kind in FIELDS:
        return _media(send, upload)
    if send.kind == "location":
        place = content["location"]
        return e2e.Message(locationMessage=e2e.LocationMessage(
            degreesLatitude=place["latitude"], degreesLongitude=place["longitude"], name=place.get("name"), address=place.get("address"),
        ))  # fmt: skip
    if send.kind == "contact":
        return _contacts(content["contacts"])
    raise CannotSend(f"no way to send {send.kind!r:.40}")


def _media(send: wire.Send, upload: Upload) -> Any:
    field, media_type = FIELDS[send.kind]
    about: Mapping[str, Any] = send.content.get("media", {})
    try:
        content = Path(send.path).read_bytes()
    except OSError as err:
        raise CannotSend("the file is gone") from err
    kept = upload(content, media_type)
    body = e2e.Message()
    part = getattr(body, field)
    part.URL, part.directPath, part.mediaKey = kept.url, kept.DirectPath, kept.MediaKey
    part.fileSHA256, part.fileEncSHA256, part.fileLength = kept.FileSHA256, kept.FileEncSHA256, kept.FileLength
    part.mimetype = str(about.get("mime_type") or "application/octet-stream")
    if send.content.get("text") and send.kind in {"image", "video", "document"}:
        part.caption = str(send.content["text"])
    if send.kind == "document":
        part.fileName = part.title = str(about.get("filename") or "document")
    if send.kind == "audio":
        _sound(part, send, is_voice=bool(about.get("voice")) or part.mimetype.startswith("audio/ogg"))
    if send.kind == "video":
        film = film_of(content)
        part.seconds, part.width, part.height = film.seconds, film.width, film.height
    if send.kind == "image":
        _preview(part, content)
    return body


def _sound(part: Any, send: wire.Send, *, is_voice: bool) -> None:
    measured = sound.measured(send.path)
    if measured is not None:
        part.seconds = measured[0]
    if is_voice:
        part.PTT, part.mimetype = True, VOICE
        if measured is not None:
            part.waveform = measured[1]


def _preview(part: Any, content: bytes) -> None:
    """What is seen before the picture is loaded. A picture that cannot be read is sent without."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            part.width, part.height = picture.size
            if part.width * part.height > MOST_PIXELS:
                return
            picture.draft("RGB", PREVIEW)
            picture.thumbnail(PREVIEW)
            small = io.BytesIO()
            picture.convert("RGB").save(small, "JPEG", quality=60)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return
    part.JPEGThumbnail = small.getvalue()


def _contacts(people: list[Mapping[str, Any]]) -> Any:
    cards = [e2e.ContactMessage(displayName=person["name"]["formatted_name"], vcard=_card(person)) for person in people]
    if len(cards) == 1:
        return e2e.Message(contactMessage=cards[0])
    return e2e.Message(contactsArrayMessage=e2e.ContactsArrayMessage(displayName=f"{len(cards)}", contacts=cards))


def _card(person: Mapping[str, Any]) -> str:
    """https://www.rfc-editor.org/rfc/rfc2426, as telephones write it."""
    name = _plain(person["name"]["formatted_name"])
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{name};;;", f"FN:{name}"]
    for phone in person.get("phones", ()):
        known = f";waid={_plain(phone['wa_id'])}" if phone.get("wa_id") else ""
        lines.append(f"TEL;type=CELL{known}:{_plain(phone['phone'])}")
    return "\n".join([*lines, "END:VCARD"])


def _plain(text: object) -> str:
    """On one line, and ending no field."""
    return " ".join(str(text).split()).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _reaction(send: wire.Send) -> Any:
    quoted = send.reply_to or wire.Quote(str(send.content["message_id"]))
    key = common.MessageKey(remoteJID=send.to, fromMe=quoted.from_me, ID=quoted.id, participant=quoted.participant or None)
    return e2e.Message(reactionMessage=e2e.ReactionMessage(key=key, text=str(send.content.get("emoji", ""))))


def _quoting(quote: wire.Quote, to: str, me: str) -> Any:
    author = quote.participant or (me if quote.from_me else to)
    return e2e.ContextInfo(stanzaID=quote.id, participant=author, quotedMessage=e2e.Message(conversation=quote.text))
