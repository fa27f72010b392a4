"""Wire shapes of scanning."""

from typing import Any

from marshmallow import ValidationError, fields, validate

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
from argus.imagery.examples import IMAGE_ID
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
    """What to scan: `id` of a thing Argus holds, or `value` of one it does not. `/target-kinds` says which."""

    kind = fields.String(required=True, validate=validate.Length(1, 40), metadata={"enum": _KINDS})
    id = fields.String(validate=validate.Length(1, 128))
    value = fields.String(validate=validate.Length(1, 2048))


class TargetOut(Schema):
    """Something to look at."""

    kind = fields.String(required=True, validate=validate.OneOf(_KINDS))
    value = fields.String(required=True)
    link = fields.Function(
        lambda target: (path := link(_TARGETS, target)) and with_base_path(path),
        required=True,
        metadata={"type": ["string", "null"], "description": "Path of the API where the target is"},
    )


def _few(options: dict[str, Any]) -> None:
    if len(options) > _MAX_OPTIONS:
        raise ValidationError(f"More than {_MAX_OPTIONS} options.")


class PluginSelectionIn(Schema):
    """A plugin and its options; what is left out takes the manifest's default."""

    id = fields.String(required=True, validate=validate.Length(1, 64))
    options = fields.Dict(
        keys=fields.String(), load_default=dict, validate=_few, metadata={"maxProperties": _MAX_OPTIONS}
    )


class ScanIn(Schema):
    """A scan to make."""

    target = fields.Nested(TargetIn, required=True, metadata={"oneOf": [{"required": ["id"]}, {"required": ["value"]}]})
    plugins = BoundedList(fields.Nested(PluginSelectionIn), required=True, at_most=60)


class NotTestedOut(Schema):
    """A rule that was not tested, or not to the end: at one place, or, with null, anywhere."""

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
        fields.Nested(NotTestedOut), required=True, metadata={"description": "What findings may be missing of"}
    )
    reason = Sentence(required=True)
    started_at = Timestamp(allow_none=True)
    finished_at = Timestamp(allow_none=True)


class SeverityCounts(Schema):
    """Findings that are there, by severity; empty until the scan has ended."""

    info = fields.Integer(validate=_at_least_0)
    low = fields.Integer(validate=_at_least_0)
    medium = fields.Integer(validate=_at_least_0)
    high = fields.Integer(validate=_at_least_0)
    critical = fields.Integer(validate=_at_least_0)


class StatusCounts(Schema):
    """Findings by what this scan said of them; empty until it has ended."""

    new = fields.Integer(validate=_at_least_0)
    unchanged = fields.Integer(validate=_at_least_0)
    regressed = fields.Integer(validate=_at_least_0)
    fixed = fields.Integer(validate=_at_least_0)
    not_tested = fields.Integer(validate=_at_least_0)


class ScanOut(Schema):
    """One run of chosen plugins over one target."""

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
    """One rule broken at one place, and its life."""

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
    """A page of findings, in the order asked for."""

    items = fields.List(fields.Nested(FindingOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TargetField(fields.Field[Target]):
    """A target as `kind:value`."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> Target:
        kind, colon, name = str(value).partition(":")
        if not colon or not 0 < len(kind) <= 40 or not 0 < len(name) <= 2048:
            raise ValidationError("Not a target; write kind:value, as in image:img_….")
        return Target(kind, name)


_TARGET_TEXT = {
    "type": "string",
    "pattern": f"^({'|'.join(_KINDS)}):[^,]{{1,2048}}$",
    "description": "`kind:value`",
    "example": f"image:{IMAGE_ID}",
}
_MAX_VALUES = 50
_PLUGIN = r"[a-z][a-z0-9_]{0,63}"


def _severities() -> CommaSeparated:
    return CommaSeparated(fields.Enum(Severity, by_value=True), at_most=len(Severity), about="Of these severities")


def _statuses() -> CommaSeparated:
    return CommaSeparated(fields.Enum(Status, by_value=True), at_most=len(Status), about="With these statuses")


def _targets() -> CommaSeparated:
    """A comma ends a target where the next one begins: the value of a target may have commas."""
    element = TargetField(metadata=_TARGET_TEXT)
    return CommaSeparated(element, at_most=_MAX_VALUES, separator=r",(?=[a-z_]+:)", about="Of these targets")


def _plugins() -> CommaSeparated:
    element = fields.String(validate=validate.Regexp(rf"^{_PLUGIN}$(?!\n)"))
    return CommaSeparated(element, at_most=_MAX_VALUES, about="Of these plugins")


def _rules() -> CommaSeparated:
    element = fields.String(validate=validate.Regexp(rf"^{_PLUGIN}\.[A-Za-z0-9_.-]{{1,64}}$(?!\n)"))
    return CommaSeparated(element, at_most=_MAX_VALUES, about="Of these rules, each as `<plugin>.<rule>`")


def _text() -> fields.String:
    about = "Of rules whose title begins with this, in upper or lower case"
    return fields.String(load_default=None, validate=validate.Length(1, 200), metadata={"description": about})


class FindingQuery(PageQuery):
    """Which findings, and in which order."""

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
            "description": "`-` is for the highest or newest first. Findings of one severity are in the order of their "
            "status, new ones first with `-severity`, and then of `first_seen_at`"
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
    """How many findings there are, as of the last scan of each target."""

    total = fields.Integer(required=True, validate=_at_least_0)
    by_severity = fields.Nested(CountsOfSeverity, required=True)
    by_status = fields.Nested(CountsOfStatus, required=True)
    by_severity_and_status = fields.Nested(CountsOfBoth, required=True)


class PriceOut(Schema):
    """What one run costs."""

    minor_units = fields.Integer(required=True, validate=_at_least_0)
    currency = fields.String(required=True, metadata={"pattern": "^[A-Z]{3}$"})


class BudgetOut(Schema):
    """What one run may use."""

    seconds = fields.Integer(required=True, validate=_at_least_1)
    requests = fields.Integer(required=True, validate=_at_least_0)


class RuleOut(Schema):
    """Something a plugin may find."""

    title = fields.String(required=True)
    severity = fields.Enum(Severity, by_value=True, required=True)
    description = fields.String(required=True)
    remediation = fields.String(required=True)
    references = fields.List(fields.String(), required=True)
    cwe = fields.Integer(required=True, allow_none=True, metadata={"description": "Of the Common Weakness Enumeration"})


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
        metadata={"description": "What it may find, by rule"},
    )
    budget = fields.Nested(BudgetOut, required=True)


class TargetKindOut(Schema):
    """A kind of target that plugins can scan."""

    kind = fields.String(required=True, validate=validate.OneOf(_KINDS))
    about = fields.String(required=True)
    given_by = fields.String(required=True, validate=validate.OneOf(["id", "value"]))
    link = fields.String(
        required=True, allow_none=True, metadata={"description": "Path of the API where a target is, by its `{value}`"}
    )


class TargetKindList(Schema):
    """Every kind of target."""

    items = fields.List(fields.Nested(TargetKindOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PluginList(Schema):
    """Every plugin."""

    items = fields.List(fields.Nested(PluginOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
