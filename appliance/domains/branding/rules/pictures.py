"""Pictures from anywhere, made safe to show: drawings keep shapes and lose all else, photographs are painted anew."""

import re
import warnings
from hashlib import sha256
from io import BytesIO

from lxml import etree
from PIL import Image

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.branding.errors import BadPicture
from appliance.domains.branding.types import Picture

MAX_BYTES = 512 * 1024
MAX_SIDE = 2048
SMALLER = (512, 256)  # sides; 256 pixels in the square fit whatever is on them
MAX_ELEMENTS = 5000
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_SHAPES = frozenset({
    "svg", "g", "defs", "symbol", "use", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text",
    "tspan", "linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern", "marker", "filter", "feGaussianBlur", "feOffset",
    "feBlend", "feColorMatrix", "feFlood", "feComposite", "feMerge", "feMergeNode", "style",
})  # fmt: skip
_ACTIVE = frozenset({
    "script", "foreignObject", "iframe", "object", "embed", "handler", "listener", "animate", "set", "animateTransform", "animateMotion",
})  # fmt: skip
_ELSEWHERE = re.compile(r"url\(\s*['\"]?(?!#)|@import|expression\(|javascript:", re.IGNORECASE)
_RASTER = {"PNG": "image/png", "WEBP": "image/webp"}


def clean(content: bytes) -> Picture:
    """Raises BadPicture."""
    _checked(content)
    if content.startswith((b"\x89PNG", b"RIFF")):
        return _repainted(content)
    if b"<svg" in content[:4096]:
        return _picture("image/svg+xml", _checked(_redrawn(content)))
    raise BadPicture(_("Choose a picture in SVG, PNG or WebP."))


def _checked(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise BadPicture(_("A picture of a brand may have %(most)s KB.", most=MAX_BYTES // 1024))
    return content


def _picture(media_type: str, body: bytes) -> Picture:
    return Picture(media_type, body, sha256(body).hexdigest())


def _repainted(content: bytes) -> Picture:
    """What is not pixels (comments, places, a second file behind the first) does not come along."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(content), formats=tuple(_RASTER))
        kind = str(picture.format)
        if max(picture.size) > MAX_SIDE:
            raise BadPicture(_("A picture of a brand may be %(most)s pixels wide and high.", most=MAX_SIDE))
        painted = _painted(picture.convert("RGBA"), kind)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise BadPicture(_("This picture is damaged.")) from err
    return _picture(_RASTER[kind], painted)


def _painted(picture: Image.Image, kind: str) -> bytes:
    """Smaller where it would else be more than a picture of a brand may have: few colours, or a photograph's tricks, are unpacked here."""
    for side in (MAX_SIDE, *SMALLER):
        picture.thumbnail((side, side))
        painted = BytesIO()
        picture.save(painted, kind, **({"lossless": True} if kind == "WEBP" else {"optimize": True}))
        if painted.tell() <= MAX_BYTES:
            break
    return painted.getvalue()


def _redrawn(content: bytes) -> bytes:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as err:
        raise BadPicture(_("This SVG picture is damaged.")) from err
    if root.getroottree().docinfo.internalDTD is not None and b"<!ENTITY" in content:
        raise BadPicture(_("This SVG picture defines entities, which may make it endless. Save it as plain SVG."))
    if root.tag != f"{{{_SVG}}}svg":
        raise BadPicture(_("This is no SVG picture."))
    elements = list(root.iter())
    if len(elements) > MAX_ELEMENTS:
        raise BadPicture(_("This SVG picture has more than %(most)s shapes. Save it simpler, or as PNG.", most=MAX_ELEMENTS))
    for element in elements:
        _check_or_drop(element, root)
    etree.cleanup_namespaces(root, top_nsmap={None: _SVG})
    return bytes(etree.tostring(root, encoding="utf-8"))


def _check_or_drop(element: etree._Element, root: etree._Element) -> None:
    name = etree.QName(element) if isinstance(element.tag, str) else None
    if name is not None and name.localname in _ACTIVE:
        raise BadPicture(_("This SVG picture contains a program (%(what)s). Save it as plain SVG.", what=name.localname))
    if name is None or name.namespace != _SVG or name.localname not in _SHAPES:
        parent = element.getparent()
        if element is not root and parent is not None:
            parent.remove(element)
        return
    if name.localname == "style" and _ELSEWHERE.search(element.text or ""):
        raise BadPicture(_("This SVG picture fetches something from elsewhere. Put everything into it."))
    for attribute, value in list(element.attrib.items()):
        _check_or_drop_attribute(element, str(attribute), str(value))


def _check_or_drop_attribute(element: etree._Element, attribute: str, value: str) -> None:
    if attribute.lower().startswith("on"):
        raise BadPicture(_("This SVG picture contains a program (%(what)s). Save it as plain SVG.", what=attribute))
    if attribute in {"href", _XLINK}:
        if not value.strip().startswith("#"):
            raise BadPicture(_("This SVG picture fetches something from elsewhere. Put everything into it."))
    elif attribute.startswith("{"):
        del element.attrib[attribute]
    elif _ELSEWHERE.search(value):
        raise BadPicture(_("This SVG picture fetches something from elsewhere. Put everything into it."))
