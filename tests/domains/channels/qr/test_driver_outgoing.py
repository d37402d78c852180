"""A command becomes the message that telephones understand; what it says is read back as whoever receives it would."""

import io
from typing import Any

import pytest
from PIL import Image

from appliance.domains.channels.gateways.qr import wire
from tests.peers.whatsapp import library

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from appliance.domains.channels.gateways.qr import driver_messages as messages
from appliance.domains.channels.gateways.qr.driver_library import e2e, enum, wa
from appliance.domains.channels.gateways.qr.driver_outgoing import VOICE, CannotSend, address_of, built
from appliance.domains.channels.gateways.qr.driver_store import secret_of

ANA, ME = "5511977776666@s.whatsapp.net", "5511988887777@s.whatsapp.net"


class Uploads:
    def __init__(self) -> None:
        self.seen: list[tuple[bytes, Any]] = []

    def __call__(self, content: bytes, kind: Any) -> Any:
        self.seen.append((content, kind))
        return wa.UploadResponse(
            url="https://mmg", DirectPath="/v/1", Handle="h", MediaKey=b"k" * 32, FileEncSHA256=b"e" * 32, FileSHA256=b"s" * 32,
            FileLength=len(content),
        )  # fmt: skip


def message(kind: str, content: dict[str, Any], **more: Any) -> Any:
    return built(wire.Send("m1", ANA, kind, content, **more), Uploads(), ME)


def test_text_is_plain_and_carries_the_secret_that_names_it() -> None:
    sent = message("text", {"text": "Oi"})
    assert sent.conversation == "Oi"
    assert sent.messageContextInfo.messageSecret == secret_of("m1")
    assert secret_of("m1") != secret_of("m2")


@pytest.mark.parametrize(
    ("quote", "author"),
    [(wire.Quote("3EB0", text="Preço?"), ANA), (wire.Quote("3EB0", from_me=True), ME), (wire.Quote("3EB0", participant="1@lid"), "1@lid")],
)
def test_answer_quotes_the_right_author(quote: wire.Quote, author: str) -> None:
    sent = message("text", {"text": "R$ 10"}, reply_to=quote)
    about = sent.extendedTextMessage.contextInfo
    assert (about.stanzaID, about.participant, about.quotedMessage.conversation) == ("3EB0", author, quote.text)
    assert messages.replied_to(sent) == "3EB0"


@pytest.mark.parametrize(
    ("kind", "mime", "uploaded_as"),
    [
        ("image", "image/png", "MediaImage"), ("sticker", "image/webp", "MediaImage"), ("video", "video/mp4", "MediaVideo"),
        ("audio", "audio/mpeg", "MediaAudio"), ("document", "application/pdf", "MediaDocument"),
    ],
)  # fmt: skip
def test_file_is_uploaded_as_what_it_is_and_read_back_the_same(kind: str, mime: str, uploaded_as: str, tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"the file")
    uploads = Uploads()
    content = {"text": "veja", "media": {"mime_type": mime, "filename": "a.pdf"}}
    quoted = wire.Quote("3EB0")
    sent = built(wire.Send("m1", ANA, kind, content, path=str(tmp_path / "file"), reply_to=quoted), uploads, ME)
    assert uploads.seen == [(b"the file", enum.MediaType[uploaded_as])]
    found = messages.content_of(sent)
    assert found is not None
    assert found[0] == kind
    assert found[1]["media"].items() >= {"mime_type": mime, "size": 8, "sha256": b"s".hex() * 32}.items()
    assert found[1].get("text") == ("veja" if kind in {"image", "video", "document"} else None)
    assert found[1]["media"]["filename"] == ("a.pdf" if kind == "document" else "")
    assert messages.replied_to(sent) == "3EB0"


def test_voice_is_a_voice_note(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"OggS")
    for about in ({"mime_type": "audio/ogg"}, {"mime_type": "audio/mp4", "voice": True}):
        sent = message("audio", {"media": about}, path=str(tmp_path / "file"))
        assert (sent.audioMessage.PTT, sent.audioMessage.mimetype) == (True, VOICE)


def test_picture_has_a_size_and_a_small_preview(tmp_path: Any) -> None:
    Image.new("RGBA", (800, 600), "red").save(tmp_path / "p.png")
    part = message("image", {"media": {"mime_type": "image/png"}}, path=str(tmp_path / "p.png")).imageMessage
    assert (part.width, part.height) == (800, 600)
    assert len(part.JPEGThumbnail) < 5_000
    assert max(Image.open(io.BytesIO(part.JPEGThumbnail)).size) == 72


def test_places_people_and_reactions_come_out_as_they_went_in() -> None:
    place = {"location": {"latitude": -23.5, "longitude": -46.6, "name": "Loja", "address": "Rua A"}}
    assert messages.content_of(message("location", place)) == ("location", place)
    bia = {"name": {"formatted_name": "Bia; Cia"}, "phones": [{"phone": "+55 11 98888-7777", "wa_id": "5511988887777"}, {"phone": "1\n2"}]}
    for people in ([bia], [bia, bia]):
        found = messages.content_of(message("contact", {"contacts": people}))
        assert found is not None
        assert [person["name"]["formatted_name"] for person in found[1]["contacts"]] == ["Bia; Cia"] * len(people)
        assert found[1]["contacts"][0]["phones"] == [{"phone": "+55 11 98888-7777", "wa_id": "5511988887777"}, {"phone": "1 2"}]
    sent = message("reaction", {"emoji": "👍", "message_id": "3EB0"})
    assert messages.content_of(sent) == ("reaction", {"emoji": "👍", "message_id": "3EB0"})
    assert (sent.reactionMessage.key.remoteJID, sent.reactionMessage.key.fromMe) == (ANA, False)
    ours = message("reaction", {"emoji": "", "message_id": "3EB0"}, reply_to=wire.Quote("3EB0", from_me=True))
    assert ours.reactionMessage.key.fromMe


def test_what_can_never_leave_is_refused(tmp_path: Any) -> None:
    with pytest.raises(CannotSend):
        message("template", {})
    with pytest.raises(CannotSend):
        message("image", {}, path=str(tmp_path / "gone"))
    for address in ("", "5511977776666", "@s.whatsapp.net"):
        with pytest.raises(CannotSend):
            address_of(address)


def test_address_is_the_person_not_a_device() -> None:
    assert messages.text_of(address_of("5511977776666:3@s.whatsapp.net")) == ANA
    assert e2e.Message.FromString(message("text", {"text": "Oi"}).SerializeToString()).conversation == "Oi"
