"""Measures ours against a peer, side by side in one run, and keeps docs/performance.md true.

Equal runs on a shared machine differ by half, so the numbers that count are ratios: ours and the peer's are called
in turn, round by round, and a load that slows one slows the other. Times are CPU time of this process (all threads),
which a busy neighbour disturbs less than wall time.

A benchmark is a module `bench_*.py` in this folder with `run() -> list[Row]`. `python -m benchmarks.harness` runs all,
prints the table and writes it between the markers of docs/performance.md.
"""

import gc
import importlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"
INTRO = f"""# Performance

Each row is one measurement of `make bench`: ours and a peer called in turn in the same process, median of the rounds,
in CPU time. Absolute numbers belong to the machine that made them; the ratio (peer ÷ ours) is what we hold on to.

{BEGIN}
{END}
"""


@dataclass(frozen=True)
class Row:
    """One line of the table: `ours` and `peer` in `unit`, `ratio` = peer / ours, `goal` in words ("≥ 10×")."""

    name: str
    ours: float
    peer_name: str
    peer: float
    unit: str
    goal: str
    ratio: float

    def cells(self) -> list[str]:
        ratio = f"{self.ratio:.1f}×" if self.ratio else ""
        peer = f"{self.peer:.3g} {self.unit}" if self.peer_name else ""
        return [self.name, f"{self.ours:.3g} {self.unit}", self.peer_name, peer, ratio, self.goal]


@dataclass(frozen=True)
class Timing:
    """Median seconds of CPU per call, of both sides, and the median of the per-round ratios peer / ours."""

    ours: float
    peer: float
    ratio: float

    def row(self, name: str, *, peer_name: str, goal: str) -> Row:
        """The timing as a line of the table, in milliseconds."""
        return Row(name, self.ours * 1e3, peer_name, self.peer * 1e3, "ms", goal, self.ratio)


def alternate(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> Timing:
    """Call both in turn, `rounds` times, and time each call.

    The order within a round flips, so that neither always runs on the other's warm cache. Each side is called as often
    within a round as makes it last some milliseconds: `process_time` ticks too coarsely for less. One call of each
    beforehand is not counted.
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
    ratio = median(theirs / mine for theirs, mine in zip(peer_seconds, ours_seconds, strict=True))
    return Timing(median(ours_seconds), median(peer_seconds), ratio)


def alone(call: Callable[[], object], rounds: int) -> float:
    """Median seconds of CPU per call of something that has no peer."""
    calls = _calls(call)
    return median(_cpu_seconds(call, calls) for _ in range(rounds))


def _calls(call: Callable[[], object]) -> int:
    """How many calls last about 5 ms; also the warm-up."""
    call()
    return max(1, int(0.005 / max(_cpu_seconds(call, 1), 1e-7)))


def _cpu_seconds(call: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - start) / calls


def markdown(rows: Iterable[Row]) -> str:
    head = ["what", "ours", "peer", "peer's", "ratio", "goal"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(rows: list[Row], page: Path = PAGE) -> None:
    """Replace what stands between the markers of the page, making the page when it is missing."""
    text = page.read_text(encoding="utf-8") if page.exists() else INTRO
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}."
    page.parent.mkdir(exist_ok=True)
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
