"""A command becomes the message that telephones understand; what it says is read back as whoever receives it would."""

import io
import os
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from appliance.core import sound
from appliance.core.sound import heights
from appliance.domains.channels.gateways.qr import wire
from tests.domains.channels.qr.voices import spoken
from tests.peers.whatsapp import library
from tests.process_list import child_process

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from appliance.domains.channels.gateways.qr import driver_messages as messages
from appliance.domains.channels.gateways.qr.driver_film import Film, film_of
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


def test_whoever_is_named_is_told_so() -> None:
    sent = message("text", {"text": "Oi @111"}, mentions=("111@lid",))
    assert (sent.extendedTextMessage.text, list(sent.extendedTextMessage.contextInfo.mentionedJID)) == ("Oi @111", ["111@lid"])
    quoting = message("text", {"text": "Oi @111"}, mentions=("111@lid",), reply_to=wire.Quote("3EB0")).extendedTextMessage.contextInfo
    assert (quoting.stanzaID, list(quoting.mentionedJID)) == ("3EB0", ["111@lid"])


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


def test_voice_note_shows_how_loud_it_is_and_how_long(tmp_path: Any) -> None:
    part = message("audio", {"media": {"mime_type": "audio/ogg"}}, path=str(spoken(tmp_path / "v.ogg"))).audioMessage
    assert (part.seconds, len(part.waveform), max(part.waveform)) == (3, 64, 100)
    assert max(part.waveform[:31]) < 20
    assert min(part.waveform[33:63]) > 90


@pytest.mark.parametrize("content", [b"", b"OggS", b"\x00" * 4096])
def test_what_cannot_be_decoded_goes_without_a_line(content: bytes, tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(content)
    part = message("audio", {"media": {"mime_type": "audio/ogg"}}, path=str(tmp_path / "file")).audioMessage
    assert (part.PTT, part.seconds, part.waveform) == (True, 0, b"")


def once_read(pipe: Path) -> int:
    """Held open by us, whoever reads it waits."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def decoder_of_mine() -> Path:
    return child_process("core.sound")


def test_decoder_of_voices_has_little_of_the_machine_and_nothing_of_the_number(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "v.ogg")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    reading = threading.Thread(target=sound.measured, args=(str(tmp_path / "v.ogg"),))
    reading.start()
    held = once_read(tmp_path / "v.ogg")
    decoder = decoder_of_mine()
    environment, limits = (decoder / "environ").read_bytes(), (decoder / "limits").read_text().splitlines()
    os.close(held)
    reading.join(60)
    soft = {line[:26].strip(): line[26:].split()[0] for line in limits}
    assert b"secret" not in environment
    assert [soft[f"Max {name}"] for name in ("address space", "cpu time", "file size", "open files", "core file size")] == [
        str(sound.MEMORY_BYTES), "15", "0", str(sound.OPEN_FILES), "0",
    ]  # fmt: skip


def test_silence_is_a_flat_line() -> None:
    assert heights([0.0, 0.0]) == b"\x00\x00"
    assert heights([0.2, 0.4, 0.1]) == bytes([50, 100, 25])


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def _mp4(*, turned: bool = False, scale: int = 1000, duration: int = 12_400, large: bool = False) -> bytes:
    """Only what is read of it. `large`: with the 64-bit fields of version 1."""
    one = 1 << 16
    matrix = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30) if turned else struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    version = bytes([large, 0, 0, 0])
    times = b"\x00" * (16 if large else 8)
    mvhd = version + times + struct.pack(">IQ" if large else ">II", scale, duration)
    sound = version + b"\x00" * (48 if large else 36) + matrix + struct.pack(">II", 0, 0)
    picture = version + b"\x00" * (48 if large else 36) + matrix + struct.pack(">II", 1280 << 16, 720 << 16)
    traks = b"".join(_box(b"trak", _box(b"tkhd", head)) for head in (sound, picture))
    mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + 5) + b"films"
    return _box(b"ftyp", b"isom") + mdat + _box(b"moov", _box(b"mvhd", mvhd) + traks)


@pytest.mark.parametrize("large", [False, True])
def test_film_says_how_long_and_how_large_it_is(tmp_path: Any, *, large: bool) -> None:
    (tmp_path / "film.mp4").write_bytes(_mp4(large=large))
    part = message("video", {"media": {"mime_type": "video/mp4"}}, path=str(tmp_path / "film.mp4")).videoMessage
    assert (part.seconds, part.width, part.height) == (12, 1280, 720)
    assert film_of(_mp4(turned=True, large=large)) == Film(12, 720, 1280)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_broken_film_goes_without(noise: bytes, cut: int) -> None:
    film_of(noise)
    film_of(_mp4()[:cut] + noise)
    assert film_of(b"") == film_of(b"RIFF....AVI ") == Film()
    assert film_of(struct.pack(">I4sI4s", 16, b"moov", 8, b"mvhd")) == Film(), "a head without anything in it"
    assert film_of(_mp4(scale=0)).seconds == 0


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


def test_picture_that_would_unfold_to_gigabytes_goes_without_a_preview(tmp_path: Any) -> None:
    Image.new("1", (8_000, 8_000)).save(tmp_path / "p.png")
    part = message("image", {"media": {"mime_type": "image/png"}}, path=str(tmp_path / "p.png")).imageMessage
    assert (part.width, part.height, part.JPEGThumbnail) == (8_000, 8_000, b"")
