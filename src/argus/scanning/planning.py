"""Planning a scan into runs.

Plugins with the same permissions collect the same evidence, so they share a run. A run holds no more of them than can
spend their whole budgets within one call of its function.
"""

from collections.abc import Callable, Iterator, Sequence

from argus.core.functions import FUNCTIONS, WORKER
from argus.scanning.catalogue import Manifest
from argus.scanning.model import Run, Scan

FunctionOf = Callable[[str], str]  # permission -> the function whose tools it names


def plan(scan: Scan, manifests: Sequence[Manifest], function_of: FunctionOf) -> list[Run]:
    """The runs of a scan, in the order of its plugins."""
    groups = _groups(manifests, function_of)
    return [
        Run(f"{scan.id}.{number:02}", scan.organisation_id, scan.id, number, function, plugins)
        for number, (function, plugins) in enumerate(groups)
    ]


def function(manifest: Manifest, function_of: FunctionOf) -> str:
    """The function that can give a plugin its tools; a plugin without any is run by the worker."""
    return next(map(function_of, manifest.permissions), WORKER)


def _groups(manifests: Sequence[Manifest], function_of: FunctionOf) -> Iterator[tuple[str, tuple[str, ...]]]:
    together: dict[tuple[str, frozenset[str]], list[Manifest]] = {}
    for manifest in manifests:
        key = function(manifest, function_of), frozenset(manifest.permissions)
        together.setdefault(key, []).append(manifest)
    for (name, _permissions), group in together.items():
        for batch in _batches(group, seconds=FUNCTIONS[name].plugin_seconds):
            yield name, tuple(manifest.id for manifest in batch)


def _batches(group: Sequence[Manifest], *, seconds: int) -> Iterator[list[Manifest]]:
    batch: list[Manifest] = []
    for manifest in group:
        if batch and sum(one.budget.seconds for one in [*batch, manifest]) > seconds:
            yield batch
            batch = []
        batch.append(manifest)
    yield batch
