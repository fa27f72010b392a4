"""The test kit of plugins: cases that a plugin's `fixtures.py` states, and the tools that play the world for them.

A plugin's folder has `fixtures.py` with `CASES`. `tests/scanning/test_plugins.py` runs the cases of every plugin; each
rule needs one that expects it, and one that says it expects none of it.
"""

import importlib
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from argus.core.errors import ArgusError
from argus.scanning.catalogue import Manifest
from argus.scanning.model import Finding, Target
from argus.scanning.plugin import MarkNotTested, Tools, check_mark
from argus.scanning.positions import PositionMatcher

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from argus.imagery.thermogram import Thermogram

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)  # in every case, so that two runs are equal


class UnknownImage(ArgusError):
    """The case's world has no such image."""


@dataclass(frozen=True)
class World:
    """What a plugin finds behind its tools. The world itself plays the tool that reads images."""

    images: Mapping[str, "Thermogram"] = field(default_factory=dict)  # by id
    known_positions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by rule: of earlier findings
    tools: Mapping[str, Any] = field(default_factory=dict)  # by permission: what plays other tools

    def thermogram(self, image_id: str) -> "Thermogram":
        if image_id not in self.images:
            raise UnknownImage(image_id)
        return self.images[image_id]


@dataclass(frozen=True)
class Case:
    """A target in a world, and how many findings of each rule the plugin must yield.

    A rule left out of `expects` is expected not at all, but only one that is named there with 0 counts as the rule's
    negative case: its author has thought of it. `not_tested` has the rules that it must mark
    so, `rule at location_key` for one place, and no others.
    """

    name: str
    target: Target
    world: World
    expects: Mapping[str, int]
    options: Mapping[str, Any] = field(default_factory=dict)
    not_tested: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """What a run yielded, and what it took."""

    findings: tuple[Finding, ...]
    not_tested: frozenset[str]  # rules
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(finding.rule for finding in self.findings))


def thermogram(celsius: "NDArray[np.floating[Any]]") -> "Thermogram":
    """A picture of these temperatures, (height, width) with NaN where there is none, to a hundredth of a degree.

    Between -100 and 555 °C, as a file with 16-bit counts would hold it. An even picture is none: raises Implausible
    where all pixels are the same, as for a file of a blank frame, so give it a slope or a little noise.
    """
    import numpy as np

    from argus.imagery.model import Accuracy, Camera, Capture, LinearScale, Parameters
    from argus.imagery.thermogram import develop
    from argus.imagery.tiff import Linear

    nothing = 65535
    counts = np.where(np.isnan(celsius), nothing, np.round((celsius + 100) * 100)).astype(np.uint16)
    height, width = celsius.shape
    capture = Capture("tiff16", width, height, Accuracy.EXACT, Camera(), Parameters())
    return develop(capture, counts, Linear(LinearScale(0.01, -100.0), nothing))


def cases(plugin_id: str) -> tuple[Case, ...]:
    """The cases of a plugin, from its `fixtures.py`."""
    found: tuple[Case, ...] = importlib.import_module(f"argus.scanning.plugins.{plugin_id}.fixtures").CASES
    return found


def run(manifest: Manifest, case: Case) -> Outcome:
    """Run the plugin as a worker would: defaults filled in, and only the tools that its manifest asks for."""
    started = time.monotonic()
    not_tested: set[str] = set()

    def mark(rule: str, location_key: str | None = None, /) -> None:
        check_mark(manifest.rules, rule, location_key)
        not_tested.add(rule if location_key is None else f"{rule} at {location_key}")

    tools = tools_for(manifest, case.world, mark_not_tested=mark)
    findings = tuple(manifest.load_run()(case.target, tools, manifest.check_options(case.options)))
    return Outcome(findings, frozenset(not_tested), time.monotonic() - started)


def tools_for(
    manifest: Manifest, world: World, *, mark_not_tested: MarkNotTested = lambda _rule, _place=None: None
) -> Tools:
    return Tools(
        now=lambda: NOW,
        log=logging.getLogger(f"argus.plugin.{manifest.id}"),
        progress=_share,
        positions=lambda rule: PositionMatcher.of(world.known_positions.get(rule, ())),
        mark_not_tested=mark_not_tested,
        granted={permission: world.tools.get(permission, world) for permission in manifest.permissions},
    )


def _share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"progress is a share from 0 to 1, not {share}")
