"""Palettes: 256 colours from cold to hot. No numpy here, as the API imports this module.

Each palette is a path through a few colours, with straight lines in OKLab between them. In this colour space equal
distances look equally large, so that no bands appear which the temperatures do not have. Unless its colours have
explicit positions, a path has constant speed: equal steps of temperature look like equal steps of colour.

Source of OKLab: Björn Ottosson, "A perceptual color space for image processing" (2020).
"""

from bisect import bisect_right
from functools import cache
from itertools import accumulate, pairwise
from math import dist

from argus.core.errors import NotFound

SIZE = 256

_Lab = tuple[float, float, float]

# Colours from cold to hot; a number before a colour is its position, 0 to 1.
_PATHS = {
    # black, violet, ember, gold, white, like a glowing body
    "iron": "06030f 260b60 6a0f86 b3216f dd4a3a f18a12 fbc72f fff6c8",
    # for thermographers: as many distinguishable hues as possible, darker towards both ends
    "medical": "0b0630 3a1f9e 1f5fd6 10a5c8 17b978 7fcf3a e9d92a f79a1c e23c22 a80f3a f3b9cf",
    # for thermographers: the scene in grey, hot spots in bright colours
    "hotspot_alert": "0.00 15171a  0.86 ced1d4  0.88 ffd400  0.94 ff7a00  1.00 d5001c",
    "rainbow": "1b0a6b 1c3fe0 00a8e8 00c48a 4fd231 f2e205 ff9a00 ee2a1b",
    # cold blues and warm golds: shows the side of the middle
    "arctic": "071a4a 1457b8 35a9e0 c9eef2 f3e3b0 e0a33a 9c5410",
    # dark, then like molten rock
    "lava": "04070d 1d2436 4a1f3d 8e1b2c d33a14 f5820f ffd34a fffbe6",
}

# Greys are linear in sRGB, so that all 256 levels differ.
_GREYS = {"white_hot": range(SIZE), "black_hot": range(SIZE - 1, -1, -1)}

PALETTES: tuple[str, ...] = (*_PATHS, *_GREYS)

# Of a colour bar, the first indices are the colours of the palette, the last ones range from paper to ink.
INKS = 16
LEGEND_COLOURS = SIZE - INKS
_PAPER, _INK = (255, 255, 255), (36, 41, 47)


class UnknownPalette(NotFound):
    """No palette has this name."""


@cache
def table(name: str) -> bytes:
    """256 colours as red, green and blue bytes, the coldest first. Raises UnknownPalette."""
    if name in _GREYS:
        return bytes(level for level in _GREYS[name] for _ in range(3))
    if name not in _PATHS:
        raise UnknownPalette(palette=name, palettes=", ".join(PALETTES))
    positions, colours = _points(_PATHS[name].split())
    return bytes(channel for index in range(SIZE) for channel in _at(index / (SIZE - 1), positions, colours))


def legend(name: str) -> bytes:
    """The 256 colours of a colour bar: those of the palette, spread over their indices, and the inks. Raises like
    `table`."""
    colours = table(name)
    spread = [round(index * (SIZE - 1) / (LEGEND_COLOURS - 1)) for index in range(LEGEND_COLOURS)]
    inks = [
        round(paper + (ink - paper) * level / (INKS - 1))
        for level in range(INKS)
        for paper, ink in zip(_PAPER, _INK, strict=True)
    ]
    return b"".join(colours[3 * index : 3 * index + 3] for index in spread) + bytes(inks)


def lab(rgb: bytes) -> _Lab:
    """A colour in OKLab: lightness 0 to 1, green to red, blue to yellow."""
    red, green, blue = (_linear(channel / 255) for channel in rgb)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    small = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * small,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * small,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * small,
    )


def _points(values: list[str]) -> tuple[list[float], list[_Lab]]:
    """The positions, 0 to 1, and colours of a path."""
    has_positions = "." in values[0]
    colours = [lab(bytes.fromhex(value)) for value in (values[1::2] if has_positions else values)]
    if has_positions:
        return [float(value) for value in values[::2]], colours
    lengths = list(accumulate((dist(*pair) for pair in pairwise(colours)), initial=0.0))
    return [length / lengths[-1] for length in lengths], colours


def _at(position: float, positions: list[float], colours: list[_Lab]) -> tuple[int, int, int]:
    segment = min(bisect_right(positions, position), len(positions) - 1)
    before, after = positions[segment - 1], positions[segment]
    fraction = (position - before) / (after - before)
    lightness, a, b = (
        start + fraction * (end - start) for start, end in zip(colours[segment - 1], colours[segment], strict=True)
    )
    return _rgb(lightness, a, b)


def _rgb(lightness: float, a: float, b: float) -> tuple[int, int, int]:
    """Red, green and blue of the sRGB colour that is nearest to an OKLab colour."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    small = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _channel(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * small),
        _channel(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * small),
        _channel(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * small),
    )


def _linear(channel: float) -> float:
    """The linear intensity of an sRGB channel; IEC 61966-2-1."""
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _channel(light: float) -> int:
    """The inverse of `_linear`, as a byte."""
    light = min(1.0, max(0.0, light))
    return round(255 * (light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))
