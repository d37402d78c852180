"""Pictures of a brand come from anywhere: what a browser gets of them is shapes and pixels."""

import contextlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from appliance.domains.branding.errors import BadPicture
from appliance.domains.branding.rules import pictures

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10">'


def svg(inside, head=HEAD):
    return f"{head}{inside}</svg>".encode()


def raster(kind, size=(20, 10), **options):
    made = BytesIO()
    Image.new("RGBA", size, (200, 30, 30, 128)).save(made, kind, **options)
    return made.getvalue()


def test_a_drawing_keeps_its_shapes_and_its_own_references():
    drawn = '<defs><linearGradient id="a"><stop offset="0"/></linearGradient></defs><rect fill="url(#a)" width="4"/><use xlink:href="#a"/>'
    cleaned = pictures.clean(svg(drawn))
    assert cleaned.media_type == "image/svg+xml"
    assert cleaned.suffix == "svg"
    assert b'fill="url(#a)"' in cleaned.body
    assert b'href="#a"' in cleaned.body


def test_what_an_editor_left_in_it_goes():
    left = '<!-- by Duda --><sodipodi:namedview xmlns:sodipodi="http://sodipodi.example" x="1"/><metadata>Duda</metadata><rect width="4"/>'
    body = pictures.clean(svg(left)).body
    assert b"Duda" not in body
    assert b"sodipodi" not in body
    assert b"<rect" in body


@pytest.mark.parametrize("bad", [
    "<script>alert(1)</script>", '<rect onload="alert(1)"/>', "<foreignObject><p/></foreignObject>", '<set attributeName="href"/>',
    '<a xmlns="http://www.w3.org/1999/xhtml"><script/></a>',
])  # fmt: skip
def test_a_drawing_with_a_program_in_it_is_refused(bad):
    with pytest.raises(BadPicture, match="contains a program"):
        pictures.clean(svg(bad))


@pytest.mark.parametrize("bad", [
    '<use href="https://evil.example/a.svg#x"/>', '<use xlink:href="data:image/svg+xml,x"/>', '<rect fill="url(https://evil.example/x)"/>',
    "<style>@import 'https://evil.example/x.css';</style>", "<style>rect { fill: URL( 'http://evil.example') }</style>",
    '<rect style="background: url(//evil.example)"/>',
])  # fmt: skip
def test_a_drawing_that_fetches_from_elsewhere_is_refused(bad):
    with pytest.raises(BadPicture, match="fetches something from elsewhere"):
        pictures.clean(svg(bad))


@pytest.mark.parametrize(("bad", "why"), [
    (b"<svg", "damaged"), (b"<html><svg/></html>", "no SVG"), (b"GIF89a", "SVG, PNG or WebP"), (b"", "SVG, PNG or WebP"),
    (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("<text>&a;</text>"), "entities"),
    (svg("<g/>" * 5001), "5000 shapes"), (b"x" * (512 * 1024 + 1), "512 KB"), (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "damaged"),
    (raster("PNG", (2049, 1)), "2048 pixels"), (raster("PNG")[:60], "damaged"),
])  # fmt: skip
def test_what_is_no_picture_or_too_much_of_one_is_refused_in_a_sentence(bad, why):
    with pytest.raises(BadPicture, match=why):
        pictures.clean(bad)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_pixels_are_painted_anew_so_that_nothing_hides_behind_them(kind):
    cleaned = pictures.clean(raster(kind) + b"<script>alert(1)</script>")
    assert b"script" not in cleaned.body
    painted = Image.open(BytesIO(cleaned.body))
    assert (painted.format, painted.size) == (kind, (20, 10))
    assert pictures.clean(cleaned.body).sha256 == cleaned.sha256


def noise(kind, side, **options):
    made = BytesIO()
    Image.effect_noise((side, side), 90).convert("P").save(made, kind, **options)
    return made.getvalue()


@pytest.mark.parametrize("content", [noise("PNG", 700), noise("WEBP", 1200, quality=5)])
def test_a_picture_that_would_grow_when_it_is_painted_becomes_smaller_and_can_be_given_again(content):
    assert len(content) <= pictures.MAX_BYTES
    cleaned = pictures.clean(content)
    assert len(cleaned.body) <= pictures.MAX_BYTES
    assert pictures.clean(cleaned.body).sha256 == cleaned.sha256


def test_a_drawing_that_would_grow_is_refused():
    with pytest.raises(BadPicture, match="512 KB"):
        pictures.clean(svg("<text>" + ">" * 400_000 + "</text>"))


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"RIFF", b"<svg>", HEAD.encode()]))
def test_whatever_the_bytes_the_answer_is_a_picture_or_a_sentence(noise, head):
    with contextlib.suppress(BadPicture):
        pictures.clean(head + noise)
