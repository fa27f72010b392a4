"""HTTP routes of scanning."""

from dataclasses import asdict
from typing import Any

from argus.core.errors import located
from argus.core.http import (
    Blueprint,
    PageQuery,
    check_if_match,
    current_caller,
    etagged,
    idempotent,
    location,
    needs,
    paged,
)
from argus.core.openapi import id_pattern, link, path_id
from argus.core.runtime import Runtime
from argus.scanning.finding_counts import Totals
from argus.scanning.finding_query import FindingFilter
from argus.scanning.model import Scan, Target
from argus.scanning.schemas import (
    CancelIn,
    FindingCountQuery,
    FindingCounts,
    FindingPage,
    FindingQuery,
    PluginList,
    PluginOut,
    ScanIn,
    ScanOut,
    ScanPage,
    TargetKindList,
)
from argus.scanning.service import PluginSelection, Scanning
from argus.scanning.targets import RequestedTarget

_SCANS = """\
`POST /api/v1/scans` scans a target with plugins. Poll it until `state` is `succeeded`, `failed` or `cancelled`."""
_FINDINGS = """\
A finding is one rule that is broken at one location of a target. It keeps its `fingerprint` from scan to scan. It is
`new`, then `unchanged`, `fixed` when a scan no longer finds it, and `regressed` if it comes back. What a scan could not
test is `not_tested`, never `fixed`."""
_PLUGIN_ID = [path_id("plugin_id", "The id of a plugin", pattern="^[a-z][a-z0-9_]*$")]
_SCAN_LINKS = ("get_scan", "list_scan_findings", "cancel_scan")
_SCAN_ID = [path_id("scan_id", "The id of a scan", pattern=id_pattern("scan"))]


def plugins(argus: Runtime) -> Blueprint:
    scanning: Scanning = argus.scanning
    blp = Blueprint("plugins", __name__, chapter=30, description="What can be scanned, and with which plugins.")

    @blp.route("/plugins")
    @needs("plugins:read")
    @blp.response(200, PluginList)
    def list_plugins() -> dict[str, Any]:
        """List the plugins

        The list has one page. `target_kinds` says what a plugin scans, and `options` what can be set.
        """
        return {"items": [manifest.as_wire() for manifest in scanning.catalogue.all()], "next_cursor": None}

    @blp.route("/plugins/<plugin_id>", parameters=_PLUGIN_ID)
    @needs("plugins:read")
    @blp.response(200, PluginOut)
    def get_plugin(plugin_id: str) -> dict[str, Any]:
        """Get a plugin

        With its options, rules, permissions, price and limits.
        """
        return scanning.catalogue.get(plugin_id).as_wire()

    @blp.route("/target-kinds")
    @needs("plugins:read")
    @blp.response(200, TargetKindList)
    def list_target_kinds() -> dict[str, Any]:
        """List the kinds of target

        The list has one page. `given_by` says how a request names a target of the kind: by `id` or by `value`.
        """
        kinds = [{"kind": name, **asdict(kind)} for name, kind in sorted(scanning.targets.kinds.items())]
        return {"items": kinds, "next_cursor": None}

    return blp


def scans(argus: Runtime) -> Blueprint:
    scanning: Scanning = argus.scanning
    blp = Blueprint("scans", __name__, chapter=40, description=_SCANS)

    @blp.route("/scans", methods=["POST"])
    @needs("scans:write")
    @idempotent
    @blp.arguments(ScanIn)
    @blp.doc(
        responses={
            202: {"links": {name: link(name, parameters={"scan_id": "$response.body#/id"}) for name in _SCAN_LINKS}}
        }
    )
    @blp.response(202, ScanOut)
    @blp.alt_response(404, "NOT_FOUND")
    def request_scan(body: dict[str, Any]) -> tuple[Scan, dict[str, str]]:
        """Start a scan

        All of the request is checked now. Then workers run the plugins: poll `Location` until `state` is `succeeded`,
        `failed` or `cancelled`. 404 if the target or a plugin does not exist, 409 `image_not_ready` if the target is
        an image that is not `ready`, and 422 `invalid_options` with a pointer to each invalid option.
        """
        selections = [PluginSelection(**selection) for selection in body["plugins"]]
        scan = scanning.request(current_caller(), RequestedTarget(**body["target"]), selections)
        return scan, location("scans.get_scan", scan_id=scan.id)

    @blp.route("/scans")
    @needs("scans:read")
    @blp.arguments(PageQuery, location="query")
    @blp.doc(
        responses={
            200: {
                "links": {
                    **{name: link(name, parameters={"scan_id": "$response.body#/items/0/id"}) for name in _SCAN_LINKS},
                    "request_report": link(
                        "request_report", body={"scan_id": "$response.body#/items/0/id", "format": "json"}
                    ),
                }
            }
        }
    )
    @blp.response(200, ScanPage)
    def list_scans(query: dict[str, Any]) -> Any:
        """List scans

        Newest first, with the state and the counts of each.
        """
        return paged(lambda limit, after: scanning.list(current_caller(), limit=limit, after=after), query)

    @blp.route("/scans/<scan_id>", parameters=_SCAN_ID)
    @needs("scans:read")
    @etagged
    @blp.response(200, ScanOut)
    def get_scan(scan_id: str) -> Scan:
        """Get a scan

        Poll it until `state` is final. `steps` show what each plugin did, and what it did not test. `counts` and
        `delta` are complete once the scan has succeeded or failed; a cancelled scan publishes no findings.
        """
        return scanning.get(current_caller(), scan_id)

    @blp.route("/scans/<scan_id>/cancel", parameters=_SCAN_ID, methods=["POST"])
    @needs("scans:write")
    @blp.arguments(CancelIn, required=False)
    @blp.response(200, ScanOut)
    @blp.alt_response(409, "CONFLICT")
    def cancel_scan(_body: dict[str, Any], scan_id: str) -> Scan:
        """Cancel a scan

        Plugins that are running stop soon, and what they found is not published. To cancel it again changes nothing.
        409 `scan_ended` if it has succeeded or failed, and `scan_ending` if it is already publishing its findings.
        """
        return scanning.cancel(current_caller(), scan_id, check=check_if_match)

    return blp


def findings(argus: Runtime) -> Blueprint:
    scanning: Scanning = argus.scanning
    blp = Blueprint("findings", __name__, chapter=50, description=_FINDINGS)

    @blp.route("/scans/<scan_id>/findings", parameters=_SCAN_ID)
    @needs("scans:read")
    @blp.arguments(FindingQuery, location="query")
    @blp.response(200, FindingPage)
    def list_scan_findings(query: dict[str, Any], scan_id: str) -> Any:
        """List the findings of a scan

        As they were at the end of this scan, most severe first; within one severity and status in the order of the
        plugin. They include findings that the scan found `fixed` and those that are `not_tested`. A scan that has not
        ended, or was cancelled, has none.
        """
        caller, chosen = current_caller(), _filter(scanning, query)
        return paged(
            lambda limit, after: scanning.findings(
                caller, scan_id, chosen, text=query["text"], sort=query["sort"], limit=limit, after=after
            ),
            query,
        )

    @blp.route("/findings")
    @needs("scans:read")
    @blp.arguments(FindingQuery, location="query")
    @blp.response(200, FindingPage)
    def list_findings(query: dict[str, Any]) -> Any:
        """List findings

        Every finding of the organisation with its current status, most severe first. Several values of one filter
        are alternatives; several filters must all match. 422 `too_many_combinations` if there are too many values.
        """
        caller, chosen = current_caller(), _filter(scanning, query)
        return paged(
            lambda limit, after: scanning.current_findings(
                caller, chosen, text=query["text"], sort=query["sort"], limit=limit, after=after
            ),
            query,
        )

    @blp.route("/findings/counts")
    @needs("scans:read")
    @blp.arguments(FindingCountQuery, location="query")
    @blp.response(200, FindingCounts)
    def count_findings(query: dict[str, Any]) -> Totals:
        """Count findings

        By severity and status, after the last scan of each target.
        """
        return scanning.finding_counts(current_caller(), _filter(scanning, query), text=query["text"])

    return blp


def _filter(scanning: Scanning, query: dict[str, Any]) -> FindingFilter:
    """The filter of a query. Queries for counts have no severity and no status."""
    targets: list[Target] | None = query["target"]
    with located(parameter="target"):
        canonical = targets and [scanning.targets.canonical(target.kind, target.value) for target in targets]
    chosen = (query.get("severity"), query.get("status"), canonical, query["plugin"], query["rule"])
    return FindingFilter(*(None if values is None else frozenset(values) for values in chosen))
