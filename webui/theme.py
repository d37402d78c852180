"""A tenant's colour, made readable: its lightness is moved until text in it and on it reaches WCAG AA in both themes."""

import re
from dataclasses import dataclass
from math import atan2, cos, hypot, sin

AA = 4.5
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_STEP = 0.004
_SRGB_KNEE, _LINEAR_KNEE = 0.04045, 0.0031308  # IEC 61966-2-1
_GAMUT_SLACK = 0.0005

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Ground:
    """What the accent is written on in one theme: surfaces, and (lightness, chroma) of the tints the stylesheet makes of it."""

    surfaces: tuple[str, ...]
    tints: tuple[tuple[float, float], ...]
    direction: int


LIGHT = Ground(surfaces=("#ffffff", "#f7f8fa", "#f1f3f6"), tints=((0.966, 0.014), (0.93, 0.03)), direction=-1)
DARK = Ground(surfaces=("#161a21", "#0e1116", "#1c212a", "#1e232c"), tints=((0.27, 0.028), (0.34, 0.05)), direction=1)


@dataclass(frozen=True)
class Pair:
    accent: str
    on_accent: str


@dataclass(frozen=True)
class Theme:
    brand: str
    light: Pair
    dark: Pair

    @property
    def is_corrected(self) -> bool:
        """The light theme could not use the brand's colour as it was given."""
        return self.light.accent != self.brand

    def stylesheet(self, scope: str = ":root") -> str:
        return (
            f"@layer tokens {{ {scope} {{ "
            f"--accent: light-dark({self.light.accent}, {self.dark.accent}); "
            f"--on-accent: light-dark({self.light.on_accent}, {self.dark.on_accent}); }} }}\n"
        )


def parse_colour(text: str) -> str | None:
    """`0B6B5D`, `#0b6b5d` → `#0b6b5d`; anything else is None."""
    found = _HEX.fullmatch(text.strip())
    return f"#{found[1].lower()}" if found else None


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def theme_for(brand: str) -> Theme:
    """Raises ValueError when `brand` is no colour."""
    colour = parse_colour(brand)
    if colour is None:
        raise ValueError(brand)
    return Theme(brand=colour, light=_readable(colour, LIGHT), dark=_readable(colour, DARK))


def _readable(brand: str, ground: Ground) -> Pair:
    lightness, chroma, hue = _to_oklch(brand)
    grounds = (*ground.surfaces, *(_from_oklch(tint, c, hue) for tint, c in ground.tints))
    accent = brand
    while not _passes(accent, grounds):
        lightness = min(max(lightness + ground.direction * _STEP, 0.0), 1.0)
        accent = _from_oklch(lightness, chroma, hue)
    return Pair(accent, _ink_on(accent, hue))


def _passes(accent: str, grounds: tuple[str, ...]) -> bool:
    return all(contrast(accent, ground) >= AA for ground in grounds)


def _ink_on(accent: str, hue: float) -> str:
    """White, or a near-black of the same hue; one of the two always reaches 4.5 : 1."""
    dark = _from_oklch(0.16, 0.02, hue)
    return max(("#ffffff", dark, "#000000"), key=lambda ink: min(contrast(ink, accent), AA + (ink != "#000000")))


def _channels(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(channel: int) -> float:
    value = channel / 255
    return value / 12.92 if value <= _SRGB_KNEE else float(((value + 0.055) / 1.055) ** 2.4)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _to_oklch(colour: str) -> tuple[float, float, float]:
    """Björn Ottosson's OKLab, in polar form (hue in radians)."""
    r, g, b = (_linear(channel) for channel in _channels(colour))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, hypot(a, b), atan2(b, a)


def _from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """The nearest colour a screen can show: chroma gives way until all channels fit."""
    while True:
        channels = _linear_rgb(lightness, chroma * cos(hue), chroma * sin(hue))
        if chroma <= 0 or all(-_GAMUT_SLACK <= channel <= 1 + _GAMUT_SLACK for channel in channels):
            return "#" + "".join(f"{_encode(channel):02x}" for channel in channels)
        chroma = max(chroma - 0.004, 0.0)


def _linear_rgb(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encode(channel: float) -> int:
    value = min(max(channel, 0.0), 1.0)
    return round(255 * (value * 12.92 if value <= _LINEAR_KNEE else 1.055 * value ** (1 / 2.4) - 0.055))
