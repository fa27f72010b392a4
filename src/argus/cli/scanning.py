"""Asking for scans of many targets, and what they found."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import click

from argus.cli import words
from argus.cli.api import Api
from argus.cli.screen import Screen
from argus.cli.waiting import GONE, SCAN_ENDS, Deadline, Item, wait_for

SEVERITIES = ("info", "low", "medium", "high", "critical")  # least first
STATUSES = ("new", "unchanged", "regressed", "fixed", "not_tested")
FOR_IMAGES = "thermal_hotspots"
PARALLEL = 8
_HELD = ("image", "mosaic")  # kinds that Argus holds, and knows by id

Target = Mapping[str, str]


def target(text: str) -> Target:
    """`img_…` or `kind:value` as the wire has it. Raises click.BadParameter."""
    if text.startswith("scan_"):
        raise click.BadParameter(f"{text} is a scan: see `argus findings --scan {text}` and `argus report {text}`")
    kind, colon, value = ("image", ":", text) if text.startswith("img_") else text.partition(":")
    if not (kind and colon and value):
        raise click.BadParameter(f"{text!r} is neither an image id nor kind:value")
    return {"kind": kind, "id" if kind in _HELD else "value": value}


def choices(plugins: Sequence[str], options: Sequence[str]) -> list[dict[str, Any]]:
    """Plugins with their options. `name=value` goes to the only plugin, `plugin.name=value` to one of several."""
    chosen: dict[str, dict[str, Any]] = {plugin: {} for plugin in plugins}
    for option in options:
        name, equals, value = option.partition("=")
        plugin, dot, rest = name.partition(".")
        if not dot and len(chosen) == 1:
            plugin, rest = plugins[0], name
        if not equals or not rest or plugin not in chosen:
            wanted = "name=value" if len(chosen) == 1 else "plugin.name=value, for one of the plugins chosen"
            raise click.BadParameter(f"{option!r} is not {wanted}", param_hint="--option")
        chosen[plugin][rest] = _value(value)
    return [{"id": plugin, "options": given} for plugin, given in chosen.items()]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class Scans:
    """Scans as they stood when all had ended or the time was over, and their findings, gravest first."""

    items: Sequence[Item]
    findings: Sequence[Item]

    @property
    def unfinished(self) -> list[Item]:
        return [scan for scan in self.items if scan["state"] != "succeeded"]

    def summary(self) -> str:
        """`6 scans, findings: 2 critical, 1 low; 1 scan failed.`; of findings only where something was looked at."""
        counts = dict.fromkeys(SEVERITIES, 0)
        for scan in self.items:
            for severity, number in scan["counts"].items():
                counts[severity] = counts.get(severity, 0) + number
        told = [f"{_scans(number)} {state}" for state, number in Counter(s["state"] for s in self.unfinished).items()]
        if len(self.unfinished) < len(self.items) or any(counts.values()):
            told.insert(0, f"{_scans(len(self.items))}, findings: {words.counts(counts)}")
        return f"{'; '.join(told)}."

    def document(self) -> list[dict[str, Any]]:
        """Each scan with its findings."""
        by_scan: dict[str, list[Item]] = {scan["id"]: [] for scan in self.items}
        for finding in self.findings:
            by_scan[finding["scan_id"]].append(finding)
        return [{**scan, "findings": by_scan[scan["id"]]} for scan in self.items]


def _scans(number: int) -> str:
    return f"{number} scan{'s' * (number != 1)}"


def sum_up(scans: Scans, screen: Screen, names: Mapping[str, str] | None = None) -> None:
    """What was found, in a line, and how to read more of it. `names` are what a person calls the targets."""
    if scans.items:
        screen.line(scans.summary())
    for scan in scans.items:
        if scan["state"] == "succeeded":
            screen.line(f"argus report {scan['id']} # {words.target(scan['target'], names or {})}")


def request(api: Api, targets: Iterable[Target], plugins: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Queue a scan of each target."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(lambda wanted: api.post("/scans", {"target": wanted, "plugins": plugins}), targets))


def finish(api: Api, scans: Sequence[Item], *, deadline: Deadline, screen: Screen) -> Scans:
    """Wait for scans and gather what they found."""
    ids = [scan["id"] for scan in scans]
    with screen.progress("Scanning", len(ids)) as tell:
        latest = wait_for(api, "/scans", ids, ends=SCAN_ENDS, deadline=deadline, ended=lambda _: tell(1))
    items = [{**scan, **latest[scan["id"]]} for scan in scans]
    found = [finding for scan in items if scan["state"] != GONE and _has_findings(scan) for finding in _all(api, scan)]
    found.sort(key=lambda finding: -_rank(finding["severity"]))
    return Scans(items, found)


def _has_findings(scan: Item) -> bool:
    return any(scan["counts"].values()) or any(scan["delta"].values())


def _all(api: Api, scan: Item) -> list[Item]:
    items, _ = api.pages(f"/scans/{scan['id']}/findings", {}, limit=None)
    return [{**finding, "scan_id": scan["id"]} for finding in items]


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
