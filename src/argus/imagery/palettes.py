"""Palettes: 256 colours from cold to hot. No numpy: the API lists the names.

Each is a path through a few colours of our own. Between them it goes straight in OKLab, a colour space in which equal
distances look equally large, so no band appears where there is none in the temperatures. Unless its points have
places of their own, a path is walked at constant speed: equal steps of temperature are equal steps for the eye.

Source of OKLab: Björn Ottosson, "A perceptual color space for image processing" (2020).
"""

from bisect import bisect_right
from functools import cache
from itertools import accumulate, pairwise
from math import dist

from argus.core.errors import NotFound

SIZE = 256

_Lab = tuple[float, float, float]

# Colours from cold to hot; a number in front of a colour is its place, 0 to 1.
_PATHS = {
    # black, violet, ember, gold, white: what a glowing body does
    "iron": "06030f 260b60 6a0f86 b3216f dd4a3a f18a12 fbc72f fff6c8",
    # for thermographers: as many tellable hues as possible, darker when colder at both ends
    "medical": "0b0630 3a1f9e 1f5fd6 10a5c8 17b978 7fcf3a e9d92a f79a1c e23c22 a80f3a f3b9cf",
    # for thermographers: the scene in grey, what is hot leaps out
    "hotspot_alert": "0.00 15171a  0.86 ced1d4  0.88 ffd400  0.94 ff7a00  1.00 d5001c",
    "rainbow": "1b0a6b 1c3fe0 00a8e8 00c48a 4fd231 f2e205 ff9a00 ee2a1b",
    # cold blues against warm golds: which side of the middle
    "arctic": "071a4a 1457b8 35a9e0 c9eef2 f3e3b0 e0a33a 9c5410",
    # a dark floor, then molten rock
    "lava": "04070d 1d2436 4a1f3d 8e1b2c d33a14 f5820f ffd34a fffbe6",
}

# Greys count in sRGB, whose 256 levels all differ.
_GREYS = {"white_hot": range(SIZE), "black_hot": range(SIZE - 1, -1, -1)}

PALETTES: tuple[str, ...] = (*_PATHS, *_GREYS)


class UnknownPalette(NotFound):
    """There is no such palette."""


@cache
def table(name: str) -> bytes:
    """256 colours as red, green, blue bytes, the coldest first. Raises UnknownPalette."""
    if name in _GREYS:
        return bytes(level for level in _GREYS[name] for _ in range(3))
    if name not in _PATHS:
        raise UnknownPalette(palette=name, palettes=", ".join(PALETTES))
    places, colours = _points(_PATHS[name].split())
    return bytes(channel for index in range(SIZE) for channel in _at(index / (SIZE - 1), places, colours))


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


def _points(words: list[str]) -> tuple[list[float], list[_Lab]]:
    """The path's places, 0 to 1, and its colours."""
    placed = "." in words[0]
    colours = [lab(bytes.fromhex(word)) for word in (words[1::2] if placed else words)]
    if placed:
        return [float(word) for word in words[::2]], colours
    walked = list(accumulate((dist(*pair) for pair in pairwise(colours)), initial=0.0))
    return [length / walked[-1] for length in walked], colours


def _at(place: float, places: list[float], colours: list[_Lab]) -> tuple[int, int, int]:
    segment = min(bisect_right(places, place), len(places) - 1)
    before, after = places[segment - 1], places[segment]
    share = (place - before) / (after - before)
    lightness, a, b = (
        start + share * (end - start) for start, end in zip(colours[segment - 1], colours[segment], strict=True)
    )
    return _rgb(lightness, a, b)


def _rgb(lightness: float, a: float, b: float) -> tuple[int, int, int]:
    """From OKLab to 8 bits a channel, the nearest that a screen can show."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    small = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _channel(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * small),
        _channel(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * small),
        _channel(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * small),
    )


def _linear(channel: float) -> float:
    """Light of an sRGB channel; IEC 61966-2-1."""
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _channel(light: float) -> int:
    """The inverse of `_linear`, as a byte."""
    light = min(1.0, max(0.0, light))
    return round(255 * (light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))
