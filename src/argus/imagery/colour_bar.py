"""The legend of a preview: a palette from cold to hot with labelled temperatures, as PNG."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from argus.imagery import indexed_png, palettes

WIDTH, HEIGHT = 184, 640  # pixels, twice the size on a page, for sharp text

_LEFT, _RIGHT, _TOP, _BOTTOM = 24, 68, 72, 608  # of the colours
_TICK, _TEXT = 12, 24  # where ticks end and labels start, right of the colours
_FONT_SIZE, _UNIT_FONT_SIZE = 26, 28
_STEPS = 6  # target number between the ends of the range


def colour_bar(palette: str, *, low: float, high: float) -> bytes:
    """A PNG file, labelled from `low` to `high` degrees Celsius. Raises UnknownPalette."""
    if not low < high:
        raise ValueError(f"palette from {low} to {high} °C: low must be below high")
    return indexed_png.write(_indices(low, high), palettes.legend(palette))


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Round temperatures between `low` and `high`, exclusive, with their labels; steps are 1, 2 or 5 times 10**n."""
    step = _round_step((high - low) / _STEPS)
    decimals = max(0, -math.floor(math.log10(step)))
    # Rounding may move a multiple of the step onto an end of the range, so the temperature itself is compared.
    multiples = (index * step for index in range(math.floor(low / step), math.ceil(high / step) + 1))
    return [(celsius, _label(celsius, decimals)) for celsius in multiples if low < celsius < high]


def _round_step(minimum: float) -> float:
    power = 10.0 ** math.floor(math.log10(minimum))
    return next((factor * power for factor in (1.0, 2.0, 5.0) if factor * power >= minimum), 10 * power)


def _label(celsius: float, decimals: int) -> str:
    text = f"{celsius:.{decimals}f}"
    return text if float(text) else text.lstrip("-")


def _indices(low: float, high: float) -> NDArray[np.uint8]:
    """The legend as palette indices, (HEIGHT, WIDTH)."""
    plane = np.asarray(_drawing(low, high)) // (256 // palettes.INKS) + palettes.LEGEND_COLOURS
    gradient = np.linspace(palettes.LEGEND_COLOURS - 1, 0, _BOTTOM - _TOP).round()
    plane[_TOP:_BOTTOM, _LEFT:_RIGHT] = gradient[:, np.newaxis]
    return plane.astype(np.uint8)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface, which takes longer to read than to draw with."""
    return ImageFont.load_default(size)


def _drawing(low: float, high: float) -> Image.Image:
    """Frame, ticks and labels as amounts of ink, 0 to 255."""
    image = Image.new("L", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    font = _font(_FONT_SIZE)
    draw.rectangle((_LEFT - 1, _TOP - 1, _RIGHT, _BOTTOM), outline=96)
    draw.text(((_LEFT + _RIGHT) / 2, _TOP - 20), "°C", fill=255, font=_font(_UNIT_FONT_SIZE), anchor="ms")
    decimals = 1 if high - low >= 1 else 2
    marks = [(_TOP, _label(high, decimals), 255), (_BOTTOM - 1, _label(low, decimals), 255)]
    for celsius, label in ticks(low, high):
        y = round(_BOTTOM - 1 - (celsius - low) / (high - low) * (_BOTTOM - 1 - _TOP))
        if all(abs(y - end) > 1.3 * _FONT_SIZE for end, _, _ in marks[:2]):  # else the labels would touch
            marks.append((y, label, 160))
    for y, label, ink in marks:
        draw.line((_RIGHT + 1, y, _RIGHT + _TICK, y), fill=ink, width=2)
        draw.text((_RIGHT + _TEXT, y), label, fill=ink, font=font, anchor="lm")
    return image
