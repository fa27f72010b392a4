"""Plans a scan into runs.

Plugins with the same permissions collect the same evidence, so they share a run. The budgets of the plugins of a run
fit together into one invocation of its function.
"""

from collections.abc import Iterator, Mapping, Sequence

from argus.core.declarations import Tool
from argus.core.functions import FUNCTIONS
from argus.scanning.catalogue import Manifest
from argus.scanning.model import Run, Scan
from argus.scanning.tools import functions_of


def plan(scan: Scan, manifests: Sequence[Manifest], tools: Mapping[str, Tool]) -> list[Run]:
    """The runs of a scan, in the order of its plugins."""
    groups = _groups(manifests, tools)
    return [
        Run(f"{scan.id}.{number:02}", scan.organisation_id, scan.id, number, function, plugins)
        for number, (function, plugins) in enumerate(groups)
    ]


def _groups(manifests: Sequence[Manifest], tools: Mapping[str, Tool]) -> Iterator[tuple[str, tuple[str, ...]]]:
    groups: dict[tuple[str, frozenset[str]], list[Manifest]] = {}
    for manifest in manifests:
        (function,) = functions_of(manifest.permissions, tools)
        key = function, frozenset(manifest.permissions)
        groups.setdefault(key, []).append(manifest)
    for (function, _permissions), group in groups.items():
        for batch in _batches(group, seconds=FUNCTIONS[function].plugin_seconds):
            yield function, tuple(manifest.id for manifest in batch)


def _batches(group: Sequence[Manifest], *, seconds: int) -> Iterator[list[Manifest]]:
    batch: list[Manifest] = []
    for manifest in group:
        if batch and sum(each.budget.seconds for each in [*batch, manifest]) > seconds:
            yield batch
            batch = []
        batch.append(manifest)
    yield batch
