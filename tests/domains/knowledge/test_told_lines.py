"""What a document says stays in the box, also where its reader complains by quoting it."""

import io
import zipfile

import docx
import pytest

from appliance.core import receivers
from tests.peers.watcher import Watcher, told, watching

PATIENCE_S = 60
PLANTED = ("Mariana", "529.982.247-25")

pytestmark = pytest.mark.only_database("sqlite")


def spoilt() -> bytes:
    """Its XML opens an element that nobody closes, and a parser names it."""
    whole, made = io.BytesIO(), io.BytesIO()
    docx.Document().save(whole)
    with zipfile.ZipFile(whole) as sound, zipfile.ZipFile(made, "w") as parts:
        for name in sound.namelist():
            content = sound.read(name)
            parts.writestr(name, content.replace(b"<w:body>", f"<w:body><{'-'.join(PLANTED)}>".encode()))
    return made.getvalue()


def test_a_document_that_cannot_be_read_is_told_by_the_kind_of_its_failure_alone(box, tmp_path, put, capsys):
    with Watcher() as watcher, watching(box, tmp_path, logs=watcher.loki, traces=watcher.url, dsn=watcher.dsn):
        put(f"{PLANTED[0]}.docx", spoilt())
        receivers.flush(PATIENCE_S)
        lines = {line.body.string_value: told(line.attributes) for _process, line in watcher.lines}
    assert lines["document_unreadable"] == {"failure": "corrupt"}
    written = capsys.readouterr().err
    assert "document_unreadable" in written
    assert not [word for word in PLANTED if word.encode() in b"".join(watcher.raw) or word in written]
