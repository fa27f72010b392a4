"""Request and response schemas of scanning."""

from typing import Any

from marshmallow import ValidationError, fields, missing, validate

from argus import capabilities
from argus.core.http import (
    BoundedList,
    CommaSeparated,
    PageQuery,
    Schema,
    Sentence,
    Timestamp,
    count_field,
    cursor_field,
    described,
    enum_field,
    id_field,
    items_field,
    version_field,
    with_base_path,
)
from argus.scanning.finding_query import Sort
from argus.scanning.model import ScanState, Severity, Status, StepState, Target
from argus.scanning.targets import link

_TARGETS = capabilities.target_kinds()
_KINDS = sorted(_TARGETS)
_at_least_0 = validate.Range(min=0)
_at_least_1 = validate.Range(min=1)
_percent = validate.Range(0, 100)
_MAX_OPTIONS = 50


class TargetIn(Schema):
    """What to scan: the `id` of a resource in Argus, or the `value` of an external target. See `/target-kinds`."""

    kind = fields.String(
        required=True,
        validate=validate.Length(1, 40),
        **described("The kind of target, from `GET /target-kinds`", enum=_KINDS),
    )
    id = fields.String(
        validate=validate.Length(1, 128), **described("The id of a resource in Argus, such as an `image_id`")
    )
    value = fields.String(
        validate=validate.Length(1, 2048), **described("The name of an external target, such as the name of a host")
    )


class TargetOut(Schema):
    """What was scanned, named as in the request: by `id` or by `value`."""

    kind = fields.String(required=True, validate=validate.OneOf(_KINDS), **described("The kind of target"))
    id = fields.Function(
        lambda target: capabilities.named_target(target.kind, target.value).get("id", missing),
        **described("The id of a resource in Argus; absent for an external target", type="string"),
    )
    value = fields.Function(
        lambda target: capabilities.named_target(target.kind, target.value).get("value", missing),
        **described("The name of an external target; absent for a resource in Argus", type="string"),
    )
    link = fields.Function(
        lambda target: (path := link(_TARGETS, target)) and with_base_path(path),
        required=True,
        **described(
            "The path of the target in this API; null for an external target. 404 if the target was deleted",
            type=["string", "null"],
        ),
    )


def _check_count(options: dict[str, Any]) -> None:
    if len(options) > _MAX_OPTIONS:
        raise ValidationError(f"At most {_MAX_OPTIONS} options are allowed.")


class PluginSelectionIn(Schema):
    """A plugin and its options."""

    id = fields.String(
        required=True, validate=validate.Length(1, 64), **described("The id of the plugin, from `GET /plugins`")
    )
    options = fields.Dict(
        keys=fields.String(),
        load_default=dict,
        validate=_check_count,
        **described(
            "Options by name, as the `options` of the plugin describe them; missing ones have their defaults",
            maxProperties=_MAX_OPTIONS,
        ),
    )


class ScanIn(Schema):
    """A scan to start."""

    target = fields.Nested(
        TargetIn,
        required=True,
        **described("What to scan", oneOf=[{"required": ["id"]}, {"required": ["value"]}]),
    )
    plugins = BoundedList(
        fields.Nested(PluginSelectionIn),
        required=True,
        at_most=60,
        **described("The plugins to run, each once; they must accept the kind of target"),
    )


class CancelIn(Schema):
    """A request to cancel a scan. It has no fields."""


class NotTestedOut(Schema):
    """A rule that was not fully tested."""

    rule = fields.String(required=True, **described("The name of the rule, among the `rules` of the plugin"))
    location_key = fields.String(
        required=True, allow_none=True, **described("The location that was not tested; null if it is all of the target")
    )


class StepOut(Schema):
    """One plugin's part of a scan."""

    plugin = fields.String(required=True, **described("The id of the plugin"))
    version = fields.String(required=True, **described("The version of the plugin when the scan was requested"))
    options = fields.Dict(required=True, **described("The options by name, including defaults"))
    state = enum_field(
        StepState,
        "`pending` until a worker starts the plugin, then `running`; finally `succeeded`, `failed` or `cancelled`",
    )
    progress = fields.Function(
        lambda step: int(100 * step.progress),
        **described("Percent of the plugin's work that is done", type="integer", minimum=0, maximum=100),
    )
    findings = count_field("Findings of the plugin that are present")
    not_tested = fields.List(
        fields.Nested(NotTestedOut), required=True, **described("Rules whose findings may be missing, and where")
    )
    reason = Sentence(required=True, **described("Why the plugin failed, in the caller's language; else empty"))
    started_at = Timestamp(required=True, allow_none=True, **described("When a worker started the plugin; else null"))
    finished_at = Timestamp(
        required=True, allow_none=True, **described("When the plugin ended; null before, and if it was cancelled")
    )


def _present(severity: Severity) -> fields.Integer:
    return count_field(f"Findings of severity `{severity}` that are present after this scan", required=False)


class SeverityCounts(Schema):
    """Present findings by severity; empty until the scan has ended, and if it was cancelled."""

    info = _present(Severity.INFO)
    low = _present(Severity.LOW)
    medium = _present(Severity.MEDIUM)
    high = _present(Severity.HIGH)
    critical = _present(Severity.CRITICAL)


class StatusCounts(Schema):
    """Findings by their status after this scan; empty until it has ended, and if it was cancelled."""

    new = count_field("Findings that no earlier scan of the target had", required=False)
    unchanged = count_field("Findings that were present before, and still are", required=False)
    regressed = count_field("Findings that were fixed, and are present again", required=False)
    fixed = count_field("Findings that were present before, and are not any more", required=False)
    not_tested = count_field(
        "Known findings that this scan did not or could not test: they may be present", required=False
    )


class ScanOut(Schema):
    """A scan of one target with the selected plugins."""

    id = id_field("scan", "The id of the scan")
    target = fields.Nested(TargetOut, required=True, **described("What is scanned"))
    state = enum_field(
        ScanState,
        "`queued`, then `running`; finally `succeeded` if every plugin has succeeded, `failed` if one has not, or "
        "`cancelled`",
    )
    progress = fields.Integer(
        required=True, validate=_percent, **described("Percent of the work that is done; 100 once the scan has ended")
    )
    reason = Sentence(required=True, **described("Why the scan failed, in the caller's language; else empty"))
    steps = items_field(StepOut, "The part of each plugin, in the order of the request")
    counts = fields.Nested(SeverityCounts, required=True, **described("Present findings by severity"))
    delta = fields.Nested(
        StatusCounts, required=True, **described("What has changed since earlier scans of the target")
    )
    requested_by = id_field("usr", "The user who requested the scan, or whose API key did")
    created_at = Timestamp(required=True, **described("When the scan was requested"))
    started_at = Timestamp(required=True, allow_none=True, **described("When its first plugin started; null before"))
    finished_at = Timestamp(
        required=True, allow_none=True, **described("When it ended, with all findings stored; null before")
    )
    version = version_field()


class ScanPage(Schema):
    """A page of scans, newest first."""

    items = items_field(ScanOut, "Scans, newest first")
    next_cursor = cursor_field()


class FindingOut(Schema):
    """A rule violated at one location, and its history."""

    fingerprint = fields.String(
        required=True,
        **described("Identifies the finding: the same in every scan of the target", pattern="^v1:[0-9a-f]{64}$"),
    )
    target = fields.Nested(TargetOut, required=True, **described("Where it was found"))
    plugin = fields.String(required=True, **described("The id of the plugin that found it"))
    rule = fields.String(required=True, **described("The name of the rule that is violated, among those of the plugin"))
    title = fields.String(required=True, **described("What was found, in English"))
    severity = enum_field(Severity, "How serious it is, `info` least")
    status = enum_field(
        Status,
        "Compared with the scan before: `new`; `unchanged`, still present; `regressed`, fixed before and present "
        "again; `fixed`, no longer present; `not_tested`, the scan did not include its rule or could not test it fully",
    )
    open = fields.Boolean(
        required=True, **described("Whether it is not known to be fixed; `not_tested` does not change it")
    )
    location_key = fields.String(
        required=True, **described("The location within the target, as text; part of the fingerprint")
    )
    location = fields.Dict(
        required=True, **described("The location within the target, as the plugin's documentation describes it")
    )
    evidence = fields.Dict(required=True, **described("What was measured, by name; the names contain the units"))
    scan_id = id_field("scan", "The most recent scan that changed or confirmed the status")
    first_seen_at = Timestamp(required=True, **described("When it was first found"))
    last_seen_at = Timestamp(required=True, **described("When it was last found"))
    fixed_at = Timestamp(
        required=True, allow_none=True, **described("When a scan no longer found it; null while it is open")
    )


class FindingPage(Schema):
    """A page of findings, in the requested order."""

    items = items_field(FindingOut, "Findings, in the requested order")
    next_cursor = cursor_field()


class TargetField(fields.Field[Target]):
    """A target as `kind:value`."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> Target:
        kind, colon, name = str(value).partition(":")
        if not colon or not 0 < len(kind) <= 40 or not 0 < len(name) <= 2048:
            raise ValidationError("Not a target. Use kind:value, for example image:img_….")
        return Target(kind, name)


_TARGET_TEXT = {
    "type": "string",
    "pattern": f"^({'|'.join(_KINDS)}):[^,]{{1,2048}}$",
    "description": "`<kind>:<id or value>`",
}
_MAX_VALUES = 50
_PLUGIN = r"[a-z][a-z0-9_]{0,63}"


def _severities() -> CommaSeparated:
    return CommaSeparated(fields.Enum(Severity, by_value=True), "Only these severities", at_most=len(Severity))


def _statuses() -> CommaSeparated:
    return CommaSeparated(fields.Enum(Status, by_value=True), "Only these statuses", at_most=len(Status))


def _targets() -> CommaSeparated:
    """A comma separates targets only where a new one starts: the value of a target may contain commas."""
    element = TargetField(metadata=_TARGET_TEXT)
    return CommaSeparated(
        element,
        "Only these targets, each as `<kind>:<id or value>`",
        at_most=_MAX_VALUES,
        separator=r",(?=[a-z_]+:)",
    )


def _plugins() -> CommaSeparated:
    element = fields.String(validate=validate.Regexp(rf"^{_PLUGIN}$(?!\n)"))
    return CommaSeparated(element, "Only findings of these plugins", at_most=_MAX_VALUES)


def _rules() -> CommaSeparated:
    element = fields.String(validate=validate.Regexp(rf"^{_PLUGIN}\.[A-Za-z0-9_.-]{{1,64}}$(?!\n)"))
    return CommaSeparated(element, "Only these rules, each as `<plugin>.<rule>`", at_most=_MAX_VALUES)


def _text() -> fields.String:
    text = "Only rules whose title starts with this text; case is ignored"
    return fields.String(load_default=None, validate=validate.Length(1, 200), **described(text))


class FindingQuery(PageQuery):
    """Which findings to list, and in which order."""

    severity = _severities()
    status = _statuses()
    target = _targets()
    plugin = _plugins()
    rule = _rules()
    text = _text()
    sort = fields.Enum(
        Sort,
        by_value=True,
        load_default=Sort.MOST_SEVERE,
        **described(
            "The order; `-` means highest or newest first. Findings of one severity are ordered by status, "
            "new ones first with `-severity`, and then by `first_seen_at`"
        ),
    )


class FindingCountQuery(Schema):
    """Which findings to count."""

    target = _targets()
    plugin = _plugins()
    rule = _rules()
    text = _text()


class CountsOfStatus(Schema):
    """Findings by status, after the last scan of each target."""

    new = count_field("Findings that no earlier scan of their target had")
    unchanged = count_field("Findings that were present before, and still are")
    regressed = count_field("Findings that were fixed, and are present again")
    fixed = count_field("Findings that are not present any more")
    not_tested = count_field("Known findings that the last scan did not or could not test: they may be present")


class CountsOfSeverity(Schema):
    """Findings by severity, whatever their status."""

    info = count_field("Findings of severity `info`")
    low = count_field("Findings of severity `low`")
    medium = count_field("Findings of severity `medium`")
    high = count_field("Findings of severity `high`")
    critical = count_field("Findings of severity `critical`")


def _by_status(severity: Severity) -> fields.Nested:
    return fields.Nested(CountsOfStatus, required=True, **described(f"Findings of severity `{severity}` by status"))


class CountsOfBoth(Schema):
    """Findings by severity, and each of these by status."""

    info = _by_status(Severity.INFO)
    low = _by_status(Severity.LOW)
    medium = _by_status(Severity.MEDIUM)
    high = _by_status(Severity.HIGH)
    critical = _by_status(Severity.CRITICAL)


class FindingCounts(Schema):
    """The number of findings, after the last scan of each target."""

    total = count_field("Findings that match the filter, including fixed ones")
    by_severity = fields.Nested(CountsOfSeverity, required=True, **described("Findings by severity"))
    by_status = fields.Nested(CountsOfStatus, required=True, **described("Findings by status"))
    by_severity_and_status = fields.Nested(CountsOfBoth, required=True, **described("Findings by severity and status"))


class PriceOut(Schema):
    """The price of one run of a plugin."""

    minor_units = count_field("The amount in the smallest unit of the currency, such as cents")
    currency = fields.String(required=True, **described("The currency, by its code in ISO 4217", pattern="^[A-Z]{3}$"))


class BudgetOut(Schema):
    """The limits of one run of a plugin. A worker stops a run that exceeds them."""

    seconds = fields.Integer(required=True, validate=_at_least_1, **described("The most seconds that it may take"))
    requests = count_field("The most requests that it may send to the target")


class RuleOut(Schema):
    """A rule that a plugin checks."""

    title = fields.String(required=True, **described("What is wrong if the rule is violated, in English"))
    severity = enum_field(Severity, "The severity of its findings, unless the plugin gives a finding another")
    description = fields.String(required=True, **described("What the rule checks, and why"))
    remediation = fields.String(required=True, **described("What to do about a finding"))
    references = fields.List(
        fields.String(), required=True, **described("Standards and pages on which the rule is based, as lines of text")
    )
    cwe = fields.Integer(
        required=True, allow_none=True, **described("Its id in the Common Weakness Enumeration; null if it has none")
    )


class PluginOut(Schema):
    """A plugin's manifest."""

    id = fields.String(required=True, **described("The id of the plugin, for `plugins` of a scan"))
    version = fields.String(
        required=True, **described("Its semantic version, which increases with every change of what it finds")
    )
    name = fields.String(required=True, **described("Its name for users, in English"))
    summary = fields.String(required=True, **described("What it does, in one sentence"))
    description = fields.String(
        required=True, **described("What it checks and how, for users who decide whether to run it")
    )
    target_kinds = fields.List(
        fields.String(validate=validate.OneOf(_KINDS)), required=True, **described("The kinds of target that it scans")
    )
    permissions = fields.List(fields.String(), required=True, **described("What it may use beyond its own computation"))
    price = fields.Nested(PriceOut, required=True, **described("What one run costs"))
    options = fields.Dict(
        required=True, **described("Its options: a JSON Schema of an object, with defaults and limits")
    )
    rules = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(RuleOut),
        required=True,
        **described("What it checks: its rules by name"),
    )
    budget = fields.Nested(BudgetOut, required=True, **described("The limits of one run"))


class TargetKindOut(Schema):
    """A kind of target that plugins can scan."""

    kind = fields.String(required=True, validate=validate.OneOf(_KINDS), **described("`kind` of such a target"))
    about = fields.String(required=True, **described("What it is, in English"))
    given_by = fields.String(
        required=True,
        validate=validate.OneOf(["id", "value"]),
        **described("How requests name such a target: by its `id` in Argus, or by the `value` of an external target"),
    )
    link = fields.String(
        required=True,
        allow_none=True,
        **described("The path of such a target in this API, with `{value}` for its id; null for external targets"),
    )


class TargetKindList(Schema):
    """Every kind of target."""

    items = items_field(TargetKindOut, "Every kind of target, on one page")
    next_cursor = cursor_field(one_page=True)


class PluginList(Schema):
    """Every plugin."""

    items = items_field(PluginOut, "Every plugin, on one page")
    next_cursor = cursor_field(one_page=True)
