"""The installed capabilities: every folder of this package with a `capability.py`."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import argus
from argus.core.declarations import Capability, Table, TargetKind, Tool
from argus.core.settings import Settings, declared

# Belongs to no capability: `core.idempotency` and `core.ratelimit` store their records here.
REQUESTS = Table(
    name="requests",
    partition_key="`<organisation>#idempotency#<key>`; `limit#…`",
    sort_key="`response`; `window`",
    prefixes_without_organisation={"limit#": "number of requests of a caller or an address in a window"},
)


@cache
def installed() -> tuple[Capability, ...]:
    """Every capability, sorted by name."""
    folders = {path.parent.name for root in argus.__path__ for path in Path(root).glob("*/capability.py")}
    return tuple(import_module(f"argus.{name}.capability").CAPABILITY for name in sorted(folders))


def tables() -> tuple[Table, ...]:
    """Every table of a stage."""
    return (REQUESTS, *(table for capability in installed() for table in capability.tables))


def settings() -> tuple[type[Any], ...]:
    """Every dataclass of settings: first of `core`, then of each capability."""
    return (Settings, *(capability.settings for capability in installed() if capability.settings))


def target_kinds() -> dict[str, TargetKind]:
    """Every kind of target that plugins can scan, by name."""
    return {name: kind for capability in installed() for name, kind in capability.targets.items()}


def named_target(kind: str, value: str) -> dict[str, str]:
    """A target as requests name it: its `kind`, and its `id` or `value`."""
    declared_kind = target_kinds().get(kind)
    return {"kind": kind, declared_kind.given_by if declared_kind else "value": value}


def tools() -> dict[str, Tool]:
    """Every tool that plugins can request, by permission."""
    return {permission: tool for capability in installed() for permission, tool in capability.tools.items()}


def variables() -> frozenset[str]:
    """The environment variables of all settings."""
    return frozenset(each.metadata["name"] for kind in settings() for each in declared(kind))
