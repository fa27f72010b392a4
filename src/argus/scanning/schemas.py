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
    id_field,
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

    kind = fields.String(required=True, validate=validate.Length(1, 40), metadata={"enum": _KINDS})
    id = fields.String(validate=validate.Length(1, 128))
    value = fields.String(validate=validate.Length(1, 2048))


class TargetOut(Schema):
    """What was scanned, named as in the request: by `id` or by `value`."""

    kind = fields.String(required=True, validate=validate.OneOf(_KINDS))
    id = fields.Function(
        lambda target: capabilities.named_target(target.kind, target.value).get("id", missing),
        metadata={"type": "string", "description": "The id of a resource in Argus; absent for an external target"},
    )
    value = fields.Function(
        lambda target: capabilities.named_target(target.kind, target.value).get("value", missing),
        metadata={"type": "string", "description": "The name of an external target; absent for a resource in Argus"},
    )
    link = fields.Function(
        lambda target: (path := link(_TARGETS, target)) and with_base_path(path),
        required=True,
        metadata={"type": ["string", "null"], "description": "API path of the target"},
    )


def _check_count(options: dict[str, Any]) -> None:
    if len(options) > _MAX_OPTIONS:
        raise ValidationError(f"At most {_MAX_OPTIONS} options are allowed.")


class PluginSelectionIn(Schema):
    """A plugin and its options; missing options take the manifest's defaults."""

    id = fields.String(required=True, validate=validate.Length(1, 64))
    options = fields.Dict(
        keys=fields.String(), load_default=dict, validate=_check_count, metadata={"maxProperties": _MAX_OPTIONS}
    )


class ScanIn(Schema):
    """A scan to start."""

    target = fields.Nested(TargetIn, required=True, metadata={"oneOf": [{"required": ["id"]}, {"required": ["value"]}]})
    plugins = BoundedList(fields.Nested(PluginSelectionIn), required=True, at_most=60)


class CancelIn(Schema):
    """A request to cancel a scan. It has no fields."""


class NotTestedOut(Schema):
    """A rule that was not fully tested: at one location or, if null, anywhere."""

    rule = fields.String(required=True)
    location_key = fields.String(required=True, allow_none=True)


class StepOut(Schema):
    """One plugin's part of a scan."""

    plugin = fields.String(required=True)
    version = fields.String(required=True)
    options = fields.Dict(required=True)
    state = fields.Enum(StepState, by_value=True, required=True)
    progress = fields.Function(
        lambda step: int(100 * step.progress), metadata={"type": "integer", "minimum": 0, "maximum": 100}
    )
    findings = fields.Integer(required=True, validate=_at_least_0)
    not_tested = fields.List(
        fields.Nested(NotTestedOut), required=True, metadata={"description": "Rules whose findings may be missing"}
    )
    reason = Sentence(required=True)
    started_at = Timestamp(allow_none=True)
    finished_at = Timestamp(allow_none=True)


class SeverityCounts(Schema):
    """Present findings by severity; empty until the scan has ended."""

    info = fields.Integer(validate=_at_least_0)
    low = fields.Integer(validate=_at_least_0)
    medium = fields.Integer(validate=_at_least_0)
    high = fields.Integer(validate=_at_least_0)
    critical = fields.Integer(validate=_at_least_0)


class StatusCounts(Schema):
    """Findings by their status after this scan; empty until it has ended."""

    new = fields.Integer(validate=_at_least_0)
    unchanged = fields.Integer(validate=_at_least_0)
    regressed = fields.Integer(validate=_at_least_0)
    fixed = fields.Integer(validate=_at_least_0)
    not_tested = fields.Integer(validate=_at_least_0)


class ScanOut(Schema):
    """A scan of one target with the selected plugins."""

    id = id_field("scan")
    target = fields.Nested(TargetOut, required=True)
    state = fields.Enum(ScanState, by_value=True, required=True)
    progress = fields.Integer(required=True, validate=_percent)
    reason = Sentence(required=True)
    steps = fields.List(fields.Nested(StepOut), required=True)
    counts = fields.Nested(SeverityCounts, required=True)
    delta = fields.Nested(StatusCounts, required=True)
    requested_by = id_field("usr")
    created_at = Timestamp(required=True)
    started_at = Timestamp(allow_none=True)
    finished_at = Timestamp(allow_none=True)
    version = fields.Integer(required=True, validate=_at_least_1)


class ScanPage(Schema):
    """A page of scans, newest first."""

    items = fields.List(fields.Nested(ScanOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class FindingOut(Schema):
    """A rule violated at one location, and its history."""

    fingerprint = fields.String(required=True, metadata={"pattern": "^v1:[0-9a-f]{64}$"})
    target = fields.Nested(TargetOut, required=True)
    plugin = fields.String(required=True)
    rule = fields.String(required=True)
    title = fields.String(required=True)
    severity = fields.Enum(Severity, by_value=True, required=True)
    status = fields.Enum(Status, by_value=True, required=True)
    open = fields.Boolean(required=True)
    location_key = fields.String(required=True)
    location = fields.Dict(required=True)
    evidence = fields.Dict(required=True)
    scan_id = id_field("scan")
    first_seen_at = Timestamp(required=True)
    last_seen_at = Timestamp(required=True)
    fixed_at = Timestamp(allow_none=True)


class FindingPage(Schema):
    """A page of findings, in the requested order."""

    items = fields.List(fields.Nested(FindingOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


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
    "description": "`kind:value`",
}
_MAX_VALUES = 50
_PLUGIN = r"[a-z][a-z0-9_]{0,63}"


def _severities() -> CommaSeparated:
    return CommaSeparated(fields.Enum(Severity, by_value=True), at_most=len(Severity), about="Only these severities")


def _statuses() -> CommaSeparated:
    return CommaSeparated(fields.Enum(Status, by_value=True), at_most=len(Status), about="Only these statuses")


def _targets() -> CommaSeparated:
    """A comma separates targets only where a new one starts: the value of a target may contain commas."""
    element = TargetField(metadata=_TARGET_TEXT)
    return CommaSeparated(element, at_most=_MAX_VALUES, separator=r",(?=[a-z_]+:)", about="Only these targets")


def _plugins() -> CommaSeparated:
    element = fields.String(validate=validate.Regexp(rf"^{_PLUGIN}$(?!\n)"))
    return CommaSeparated(element, at_most=_MAX_VALUES, about="Only these plugins")


def _rules() -> CommaSeparated:
    element = fields.String(validate=validate.Regexp(rf"^{_PLUGIN}\.[A-Za-z0-9_.-]{{1,64}}$(?!\n)"))
    return CommaSeparated(element, at_most=_MAX_VALUES, about="Only these rules, each as `<plugin>.<rule>`")


def _text() -> fields.String:
    about = "Only rules whose title starts with this text; case is ignored"
    return fields.String(load_default=None, validate=validate.Length(1, 200), metadata={"description": about})


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
        metadata={
            "description": "`-` means highest or newest first. Findings of one severity are ordered by status, "
            "new ones first with `-severity`, and then by `first_seen_at`"
        },
    )


class FindingCountQuery(Schema):
    """Which findings to count."""

    target = _targets()
    plugin = _plugins()
    rule = _rules()
    text = _text()


class CountsOfStatus(Schema):
    """Findings by status."""

    new = fields.Integer(required=True, validate=_at_least_0)
    unchanged = fields.Integer(required=True, validate=_at_least_0)
    regressed = fields.Integer(required=True, validate=_at_least_0)
    fixed = fields.Integer(required=True, validate=_at_least_0)
    not_tested = fields.Integer(required=True, validate=_at_least_0)


class CountsOfSeverity(Schema):
    """Findings by severity, whatever their status."""

    info = fields.Integer(required=True, validate=_at_least_0)
    low = fields.Integer(required=True, validate=_at_least_0)
    medium = fields.Integer(required=True, validate=_at_least_0)
    high = fields.Integer(required=True, validate=_at_least_0)
    critical = fields.Integer(required=True, validate=_at_least_0)


class CountsOfBoth(Schema):
    """Findings by severity, and each of these by status."""

    info = fields.Nested(CountsOfStatus, required=True)
    low = fields.Nested(CountsOfStatus, required=True)
    medium = fields.Nested(CountsOfStatus, required=True)
    high = fields.Nested(CountsOfStatus, required=True)
    critical = fields.Nested(CountsOfStatus, required=True)


class FindingCounts(Schema):
    """The number of findings, after the last scan of each target."""

    total = fields.Integer(required=True, validate=_at_least_0)
    by_severity = fields.Nested(CountsOfSeverity, required=True)
    by_status = fields.Nested(CountsOfStatus, required=True)
    by_severity_and_status = fields.Nested(CountsOfBoth, required=True)


class PriceOut(Schema):
    """The price of one run."""

    minor_units = fields.Integer(required=True, validate=_at_least_0)
    currency = fields.String(required=True, metadata={"pattern": "^[A-Z]{3}$"})


class BudgetOut(Schema):
    """The limits of one run."""

    seconds = fields.Integer(required=True, validate=_at_least_1)
    requests = fields.Integer(required=True, validate=_at_least_0)


class RuleOut(Schema):
    """A rule that a plugin checks."""

    title = fields.String(required=True)
    severity = fields.Enum(Severity, by_value=True, required=True)
    description = fields.String(required=True)
    remediation = fields.String(required=True)
    references = fields.List(fields.String(), required=True)
    cwe = fields.Integer(required=True, allow_none=True, metadata={"description": "Common Weakness Enumeration id"})


class PluginOut(Schema):
    """A plugin's manifest."""

    id = fields.String(required=True)
    version = fields.String(required=True)
    name = fields.String(required=True)
    summary = fields.String(required=True)
    description = fields.String(required=True)
    target_kinds = fields.List(fields.String(validate=validate.OneOf(_KINDS)), required=True)
    permissions = fields.List(fields.String(), required=True)
    price = fields.Nested(PriceOut, required=True)
    options = fields.Dict(required=True, metadata={"description": "A JSON Schema"})
    rules = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(RuleOut),
        required=True,
        metadata={"description": "What the plugin checks, by rule"},
    )
    budget = fields.Nested(BudgetOut, required=True)


class TargetKindOut(Schema):
    """A kind of target that plugins can scan."""

    kind = fields.String(required=True, validate=validate.OneOf(_KINDS))
    about = fields.String(required=True)
    given_by = fields.String(required=True, validate=validate.OneOf(["id", "value"]))
    link = fields.String(
        required=True, allow_none=True, metadata={"description": "API path of a target with this `{value}`"}
    )


class TargetKindList(Schema):
    """Every kind of target."""

    items = fields.List(fields.Nested(TargetKindOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PluginList(Schema):
    """Every plugin."""

    items = fields.List(fields.Nested(PluginOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
