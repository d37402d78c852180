import pytest

from appliance.core.media_types import is_harmless, type_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


@pytest.mark.parametrize(
    ("head", "claimed", "true"),
    [
        (PNG, "text/html", "image/png"),
        (b"col;b\n1;2\n", "text/csv", "text/csv"),
        (b"\x00\x01\x02nothing known", "image/png", "application/octet-stream"),
        (b"", "", "application/octet-stream"),
    ],
)
def test_bytes_are_believed_before_the_label(head, claimed, true):
    assert type_of(head, claimed) == true


@pytest.mark.parametrize(
    ("head", "true"),
    [
        (b"OggS\x00\x02" + b"\x00" * 22 + b"OpusHead", "audio/ogg"),
        (b"OggS\x00\x02" + b"\x00" * 22 + b"\x80theora", "application/ogg"),
        (b"\x00\x00\x00\x1cftypM4A \x00\x00\x02\x00M4A isomiso2", "audio/mp4"),
        (b"\x00\x00\x00\x1cftypisom\x00\x00\x02\x00isomiso2avc1", "video/mp4"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm\x86\x86A_OPUS", "audio/webm"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm\x86\x85V_VP8\x86\x86A_OPUS", "video/webm"),
    ],
)
def test_a_container_without_pictures_is_a_sound(head, true):
    assert type_of(head) == true


def test_what_can_carry_a_script_is_never_shown_in_a_page():
    assert is_harmless("image/png")
    assert not any(is_harmless(kind) for kind in ("image/svg+xml", "text/html", "application/xhtml+xml", ""))
