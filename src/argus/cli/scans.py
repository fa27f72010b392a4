"""Requests scans of many targets, and collects their findings."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import click

from argus.cli import formatting
from argus.cli.api import Api
from argus.cli.errors import Incomplete
from argus.cli.screen import Screen
from argus.cli.waiting import DELETED, FINAL_SCAN_STATES, Deadline, Item, wait_for

SEVERITIES = ("info", "low", "medium", "high", "critical")  # least severe first
STATUSES = ("new", "unchanged", "regressed", "fixed", "not_tested")
SORTS = ("-severity", "severity", "-first_seen_at", "first_seen_at")
IMAGE_PLUGIN = "thermal_hotspots"
PARALLEL = 8

Target = Mapping[str, str]


def parse_target(text: str) -> tuple[str, str]:
    """The kind and value of `img_…` or `kind:value`. Raises click.BadParameter."""
    if text.startswith("scan_"):
        raise click.BadParameter(
            f"{text} is a scan. See `argus finding list --scan {text}` and `argus report create {text}`."
        )
    kind, colon, value = ("image", ":", text) if text.startswith("img_") else text.partition(":")
    if not (kind and colon and value):
        raise click.BadParameter(f"{text!r} is neither an image id nor kind:value.")
    return kind, value


def target_documents(api: Api, targets: Sequence[tuple[str, str]]) -> list[Target]:
    """Targets as in a request: by id or by value, depending on the kind. The server lists the kinds."""
    given_by = {"image": "id"}
    if any(kind not in given_by for kind, _ in targets):
        given_by |= {each["kind"]: each["given_by"] for each in api.get("/target-kinds")["items"]}
    return [{"kind": kind, given_by.get(kind, "value"): value} for kind, value in targets]


def parse_plugins(plugins: Sequence[str], options: Sequence[str]) -> list[dict[str, Any]]:
    """Plugins with their options: `name=value` for a single plugin, `plugin.name=value` for one of several."""
    chosen: dict[str, dict[str, Any]] = {plugin: {} for plugin in plugins}
    for option in options:
        name, equals, value = option.partition("=")
        plugin, dot, rest = name.partition(".")
        if not dot and len(chosen) == 1:
            plugin, rest = plugins[0], name
        if not equals or not rest or plugin not in chosen:
            form = "name=value" if len(chosen) == 1 else "plugin.name=value, with one of the chosen plugins"
            raise click.BadParameter(f"{option!r} does not have the form {form}.", param_hint="--option")
        chosen[plugin][rest] = _json_or_text(value)
    return [{"id": plugin, "options": values} for plugin, values in chosen.items()]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class Scans:
    """The most recent state of scans, and their findings, most severe first."""

    items: Sequence[Item]
    findings: Sequence[Item]

    @property
    def unsuccessful(self) -> list[Item]:
        return [scan for scan in self.items if scan["state"] != "succeeded"]

    def summary(self) -> str:
        """`6 scans, findings: 2 critical, 1 low; 1 scan failed.` No findings part if no scan succeeded."""
        counts = dict.fromkeys(SEVERITIES, 0)
        for scan in self.items:
            for severity, number in scan["counts"].items():
                counts[severity] = counts.get(severity, 0) + number
        states = Counter(scan["state"] for scan in self.unsuccessful)
        parts = [f"{formatting.number_of(number, 'scan')} {state}" for state, number in states.items()]
        if len(self.unsuccessful) < len(self.items) or any(counts.values()):
            total = formatting.number_of(len(self.items), "scan")
            parts.insert(0, f"{total}, findings: {formatting.counts(counts)}")
        return f"{'; '.join(parts)}."

    def document(self) -> list[dict[str, Any]]:
        """Each scan with its findings."""
        by_scan: dict[str, list[Item]] = {scan["id"]: [] for scan in self.items}
        for finding in self.findings:
            by_scan[finding["scan_id"]].append(finding)
        return [{**scan, "findings": by_scan[scan["id"]]} for scan in self.items]

    def note_summary(self, screen: Screen, names: Mapping[str, str] | None = None) -> None:
        """Print the summary, and for each scan the command that creates its report. `names` are target names by id."""
        if self.items:
            screen.note(self.summary())
        for scan in self.items:
            if scan["state"] == "succeeded":
                target = (names or {}).get(formatting.target_name(scan["target"])) or formatting.target(scan["target"])
                screen.note(f"argus report create {scan['id']} # {target}")

    def require_success(self) -> None:
        """Raises Incomplete."""
        if self.unsuccessful:
            raise Incomplete(f"{len(self.unsuccessful)} of {len(self.items)} scans have not succeeded.")


def request(api: Api, targets: Iterable[Target], plugins: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Request a scan of each target."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(lambda target: api.post("/scans", {"target": target, "plugins": plugins}), targets))


def finish(api: Api, scans: Sequence[Item], *, deadline: Deadline, screen: Screen) -> Scans:
    """Wait for scans and collect their findings."""
    ids = [scan["id"] for scan in scans]
    with screen.progress("Scanning", len(ids)) as advance:
        latest = wait_for(api, "/scans", ids, final=FINAL_SCAN_STATES, deadline=deadline, on_final=lambda _: advance(1))
    items = [{**scan, **latest[scan["id"]]} for scan in scans]
    findings = [
        finding
        for scan in items
        if scan["state"] != DELETED and _has_findings(scan)
        for finding in _findings(api, scan)
    ]
    findings.sort(key=lambda finding: -_rank(finding["severity"]))
    return Scans(items, findings)


def _has_findings(scan: Item) -> bool:
    return any(scan["counts"].values()) or any(scan["delta"].values())


def _findings(api: Api, scan: Item) -> list[Item]:
    return [{**finding, "scan_id": scan["id"]} for finding in api.list(f"/scans/{scan['id']}/findings")]


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
