"""Compares our code with a peer's in the same run, and writes the results to docs/performance.md.

Identical runs on a shared machine differ by half, so the meaningful numbers are ratios: our code and the peer's are
called alternately in each round, and a load that slows one slows the other. Times are CPU time of this process (all
threads), which other processes disturb less than wall time.

A benchmark is a module `bench_*.py` in this folder with `run() -> list[Row]`. `python -m benchmarks.harness` runs all,
prints the table and writes it between the markers in docs/performance.md.
"""

import gc
import importlib
import math
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"


@dataclass(frozen=True)
class Row:
    """One row of the table: `ours` and `peer` in `unit`, `ratio` = peer / ours, `goal` as text ("≥ 10×")."""

    name: str
    ours: float
    peer_name: str
    peer: float
    unit: str
    goal: str
    ratio: float

    def cells(self) -> list[str]:
        ratio = f"{_ratio(self.ratio)}×" if self.ratio else ""
        peer = readable(self.peer, self.unit) if self.peer_name else ""
        goal = self.goal if self.reached else f"{self.goal}: missed"
        return [self.name, readable(self.ours, self.unit), self.peer_name, peer, ratio, goal]

    @property
    def reached(self) -> bool:
        """Whether the goal is reached: one for the ratio ends with ×, any other is for our value. Raises ValueError."""
        if not self.goal:
            return True
        parts = _GOAL.fullmatch(self.goal)
        if not parts:
            raise ValueError(f"the goal {self.goal!r} of {self.name!r}")
        sign, number, unit = parts.groups()
        value, limit = (self.ratio, read(number, "")) if unit == "×" else (self.ours, read(number + unit, self.unit))
        return value >= limit if sign == "≥" else value <= limit


_GOAL = re.compile(r"([≥≤]) ([\d,.]+)(×| \w+)")

# From 1,000 of a unit on, or below 0.1, another unit is easier to read: its name, and its size in the first.
_LARGER = {"ms": ("s", 1000), "kB": ("MB", 1000)}
_SMALLER = {"ms": ("µs", 0.001)}


def readable(value: float, unit: str) -> str:
    """A value with its unit and three digits: `12.3 ms`, `1.45 s`, `100,000`; NaN is not measured."""
    if math.isnan(value):
        return "not measured"
    others = _LARGER if value >= 1000 else _SMALLER if value < 0.1 else {}
    name, size = others.get(unit, (unit, 1))
    value /= size
    digits = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{digits} {name}".strip()


def read(text: str, unit: str) -> float:
    """The value that `readable` printed, in `unit`. Raises ValueError if it has another kind of unit."""
    digits, _, name = text.partition(" ")
    sizes = {unit: 1.0, **dict(each[unit] for each in (_LARGER, _SMALLER) if unit in each)}
    if name not in sizes:
        raise ValueError(f"{text!r} is not in {unit}")
    return float(digits.replace(",", "")) * sizes[name]


def _ratio(value: float) -> str:
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1.05 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


@dataclass(frozen=True)
class Timing:
    """Median CPU seconds per call of both sides, and the median of the ratios peer / ours of the rounds."""

    ours: float
    peer: float
    ratio: float

    def row(self, name: str, *, peer_name: str, goal: str) -> Row:
        """The timing as a row of the table, in milliseconds."""
        return Row(name, self.ours * 1e3, peer_name, self.peer * 1e3, "ms", goal, self.ratio)


def alternate(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> Timing:
    """Call both alternately for `rounds` rounds and measure each.

    The order alternates between rounds, so that neither always benefits from the other's warm cache. Within a round,
    each side is called repeatedly for some milliseconds, because the resolution of `process_time` is too coarse for
    less. One call of each side before the rounds is not counted.
    """
    ours_calls, peer_calls = _calls(ours), _calls(peer)
    ours_seconds, peer_seconds = [], []
    gc.collect()
    gc.disable()
    try:
        for index in range(rounds):
            if index % 2:
                peer_seconds.append(_cpu_seconds(peer, peer_calls))
                ours_seconds.append(_cpu_seconds(ours, ours_calls))
            else:
                ours_seconds.append(_cpu_seconds(ours, ours_calls))
                peer_seconds.append(_cpu_seconds(peer, peer_calls))
    finally:
        gc.enable()
    ratio = median(peer_time / our_time for peer_time, our_time in zip(peer_seconds, ours_seconds, strict=True))
    return Timing(median(ours_seconds), median(peer_seconds), ratio)


def measure(call: Callable[[], object], rounds: int) -> float:
    """Median CPU seconds per call, without a peer."""
    calls = _calls(call)
    return median(_cpu_seconds(call, calls) for _ in range(rounds))


def _calls(call: Callable[[], object]) -> int:
    """The number of calls that last about 5 ms; this is also the warm-up."""
    call()
    return max(1, int(0.005 / max(_cpu_seconds(call, 1), 1e-7)))


def _cpu_seconds(call: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - start) / calls


def markdown(rows: Iterable[Row]) -> str:
    head = ["what", "ours", "peer", "value of the peer", "ratio", "goal"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(rows: list[Row], page: Path = PAGE) -> None:
    """Replace the text between the markers of the page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}."
    page.write_text(f"{before}{BEGIN}\n{markdown(rows)}\n\n{machine}\n{END}{after}", encoding="utf-8")


def main() -> int:
    rows: list[Row] = []
    for path in sorted(HERE.glob("bench_*.py")):
        print(f"{path.stem} …", file=sys.stderr)
        rows += importlib.import_module(f"benchmarks.{path.stem}").run()
    print(markdown(rows))
    write(rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
