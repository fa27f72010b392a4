"""A line chart as SVG, for pages in a light or dark theme."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 28, 48
TICKS = 5
COLOURS = (("#b3541e", "#f0a070"), ("#33691e", "#9ccc65"))  # of the lines, in a light and a dark theme


@dataclass(frozen=True)
class Line:
    """A name and its values, one at each step."""

    name: str
    values: Sequence[float]


def line_chart(lines: Sequence[Line], *, step: float, x: str, y: str) -> str:
    """The chart of lines of equal length with values above zero; `x` and `y` name the axes."""
    count = len(lines[0].values) - 1
    top = _round_up(max(max(line.values) for line in lines))

    def across(index: float) -> float:
        return LEFT + index / count * (WIDTH - LEFT - RIGHT)

    def down(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    parts = []
    for tick in range(TICKS + 1):
        value, index = top * tick / TICKS, count * tick / TICKS
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(value):.1f}" y2="{down(value):.1f}"/>'
        )
        parts.append(f'<text x="{LEFT - 8}" y="{down(value) + 4:.1f}" text-anchor="end">{value:,.0f}</text>')
        parts.append(
            f'<text x="{across(index):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{index * step:,.0f}</text>'
        )
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x)}</text>')
    parts.append(f'<text x="4" y="12">{escape(y)}</text>')
    for number, line in enumerate(lines):
        points = " ".join(f"{across(index):.1f},{down(value):.1f}" for index, value in enumerate(line.values))
        parts.append(f'<polyline class="line{number}" points="{points}"/>')
        row = TOP + 16 + 18 * number
        parts.append(f'<line class="line{number}" x1="{LEFT + 16}" x2="{LEFT + 40}" y1="{row}" y2="{row}"/>')
        parts.append(
            f'<text x="{LEFT + 48}" y="{row + 4}">{escape(line.name)}: {line.values[-1]:,.0f} {escape(y)}</text>'
        )
    title = f"{' and '.join(line.name for line in lines)} by {x}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", f"<style>{_style(len(lines))}</style>", *parts, "</svg>", ""]
    )


def _style(lines: int) -> str:
    light = "".join(f".line{number}{{stroke:{COLOURS[number][0]}}}" for number in range(lines))
    dark = "".join(f".line{number}{{stroke:{COLOURS[number][1]}}}" for number in range(lines))
    return (
        "text{font:12px sans-serif;fill:#444}.grid{stroke:#ccc}polyline{fill:none;stroke-width:2}line{stroke-width:1.5}"
        f"{light}@media(prefers-color-scheme:dark){{text{{fill:#ccc}}.grid{{stroke:#444}}{dark}}}"
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten, so that the labels of the axis are short."""
    power = 10 ** floor(log10(value))
    return float(next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= value))
