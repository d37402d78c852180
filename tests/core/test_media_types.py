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


def test_what_can_carry_a_script_is_never_shown_in_a_page():
    assert is_harmless("image/png")
    assert not any(is_harmless(kind) for kind in ("image/svg+xml", "text/html", "application/xhtml+xml", ""))
