"""Test kit for plugins: the test cases in a plugin's `fixtures.py`, and the test doubles of its tools.

A plugin's folder has `fixtures.py` with `CASES`. `tests/scanning/test_plugins.py` runs the cases of every plugin. Each
rule needs a case that expects findings and a case that expects none (`0`).
"""

import importlib
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from argus.core.errors import ArgusError
from argus.scanning.catalogue import Manifest
from argus.scanning.model import Finding, Target
from argus.scanning.plugin import MarkNotTested, Tools, validate_mark
from argus.scanning.positions import PositionMatcher

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from argus.imagery.thermogram import Thermogram

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)  # the same for every case, so that results are reproducible


class UnknownImage(ArgusError):
    """The image is not in the world of the test case."""


@dataclass(frozen=True)
class World:
    """The data behind a plugin's tools. The world itself is the test double of the tool that reads images."""

    images: Mapping[str, "Thermogram"] = field(default_factory=dict)  # by id
    known_positions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of earlier findings, by rule
    tools: Mapping[str, Any] = field(default_factory=dict)  # test doubles of other tools, by permission

    def thermogram(self, image_id: str) -> "Thermogram":
        if image_id not in self.images:
            raise UnknownImage(f"the world of the test case has no image {image_id}")
        return self.images[image_id]


@dataclass(frozen=True)
class Case:
    """A target in a world, and how many findings of each rule the plugin must yield.

    A rule missing from `expects` must have no findings, but only a rule with an explicit 0 counts as a negative case.
    `not_tested` has exactly the rules that the plugin must mark as not tested, with `rule at location_key` for one
    location.
    """

    name: str
    target: Target
    world: World
    expects: Mapping[str, int]
    options: Mapping[str, Any] = field(default_factory=dict)
    not_tested: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    findings: tuple[Finding, ...]
    not_tested: frozenset[str]  # rules
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(finding.rule for finding in self.findings))


def thermogram(celsius: "NDArray[np.floating[Any]]") -> "Thermogram":
    """An image of these temperatures: (height, width), NaN where there is none, rounded to a hundredth of a degree.

    The range is -100 to 555 °C, as in a file with 16-bit counts. Raises Implausible if all pixels are equal, as for a
    file of a blank frame, so add a slope or a little noise.
    """
    import numpy as np

    from argus.imagery.model import Camera, Capture, LinearScale, Parameters
    from argus.imagery.thermogram import develop
    from argus.imagery.tiff import Linear

    missing = 65535
    counts = np.where(np.isnan(celsius), missing, np.round((celsius + 100) * 100)).astype(np.uint16)
    height, width = celsius.shape
    linear = Linear(LinearScale(0.01, -100.0), missing)
    capture = Capture("tiff16", width, height, linear.accuracy(counts, Parameters()), Camera(), Parameters())
    return develop(capture, counts, linear)


def cases(plugin_id: str) -> tuple[Case, ...]:
    """The test cases of a plugin, from its `fixtures.py`."""
    found: tuple[Case, ...] = importlib.import_module(f"argus.scanning.plugins.{plugin_id}.fixtures").CASES
    return found


def run(manifest: Manifest, case: Case) -> Outcome:
    """Run the plugin as a worker does: with default options, and only the tools of its permissions."""
    started = time.monotonic()
    not_tested: set[str] = set()

    def mark(rule: str, location_key: str | None = None, /) -> None:
        validate_mark(manifest.rules, rule, location_key)
        not_tested.add(rule if location_key is None else f"{rule} at {location_key}")

    tools = tools_for(manifest, case.world, mark_not_tested=mark)
    findings = tuple(manifest.load_run()(case.target, tools, manifest.check_options(case.options)))
    return Outcome(findings, frozenset(not_tested), time.monotonic() - started)


def tools_for(
    manifest: Manifest, world: World, *, mark_not_tested: MarkNotTested = lambda _rule, _location_key=None: None
) -> Tools:
    return Tools(
        now=lambda: NOW,
        log=logging.getLogger(f"argus.plugin.{manifest.id}"),
        progress=_check_progress,
        positions=cache(lambda rule: PositionMatcher.of(world.known_positions.get(rule, ()))),
        mark_not_tested=mark_not_tested,
        granted={permission: world.tools.get(permission, world) for permission in manifest.permissions},
    )


def _check_progress(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"progress must be from 0 to 1, not {share}")
