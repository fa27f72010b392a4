"""Every line of metrics conforms to the embedded metric format; CloudWatch silently drops others."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import fastjsonschema
import pytest

from argus.container import Container
from argus.core import metrics
from argus.core.settings import Settings
from argus.scanning.model import Severity
from services.local.demo.scenes import flir_scene
from services.scheduler import main as scheduler
from tests.conftest import Person, Workers
from tests.imagery.uploads import uploaded

# "The EMF schema", Amazon CloudWatch User Guide, and the limits that its prose adds.
SCHEMA = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 0},
                "CloudWatchMetrics": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "properties": {
                            "Namespace": {"type": "string", "pattern": r"^[A-Za-z0-9._/#: -]{1,1024}$"},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "minItems": 1,
                                    "maxItems": 30,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "properties": {
                                        "Name": {"type": "string", "minLength": 1, "maxLength": 1024},
                                        "Unit": {"enum": ["Count", "Milliseconds"]},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
_valid = fastjsonschema.compile(SCHEMA)


def _metrics(line: str) -> list[dict[str, Any]]:
    """Parse a line like CloudWatch; fails unless the line contains every value that its definitions name."""
    event = json.loads(line)
    _valid(event)
    assert abs(event["_aws"]["Timestamp"] / 1000 - time.time()) < 600
    return [_metric(event, directive) for directive in event["_aws"]["CloudWatchMetrics"]]


def _metric(event: dict[str, Any], directive: dict[str, Any]) -> dict[str, Any]:
    (dimensions,), (definition,) = directive["Dimensions"], directive["Metrics"]
    value = event[definition["Name"]]
    assert type(value) in (int, float)
    by = {name: event[name] for name in dimensions}
    assert all(isinstance(value, str) and 1 <= len(value) <= 1024 and value.isascii() for value in by.values())
    assert (directive["Namespace"], by.pop("stage")) == ("Argus", "test")
    return {"name": definition["Name"], "unit": definition["Unit"], "by": by, "value": value}


Recorded = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def recorded(capsys: pytest.CaptureFixture[str]) -> Iterator[Recorded]:
    """Turns metrics on; returns those written since the last call."""
    metrics.configure(stage="test", on=True, strict=True)
    yield lambda: [
        metric for line in capsys.readouterr().out.splitlines() if '"_aws"' in line for metric in _metrics(line)
    ]
    metrics.configure(stage="test", on=False, strict=True)


def _series(recorded: list[dict[str, Any]]) -> list[tuple[str, dict[str, str]]]:
    return [(metric["name"], metric["by"]) for metric in recorded]


def test_a_request_records_its_status_class_and_duration(recorded: Recorded, owner: Person) -> None:
    recorded()
    owner.get("/images/img_01jb8z3k9q2m4n6p8r0s2t4v6w")
    requests, request_ms = recorded()
    assert requests == {"name": "requests", "unit": "Count", "by": {"status": "4xx"}, "value": 1}
    assert request_ms == {**request_ms, "name": "request_ms", "unit": "Milliseconds", "by": {"function": "api"}}
    assert 0 < request_ms["value"] < 60_000


def test_an_image_and_its_scan_record_jobs_decoding_and_findings(
    recorded: Recorded, owner: Person, workers: Workers
) -> None:
    image_id = uploaded(owner, workers, flir_scene(seed=9, width=160, height=120)[0])["id"]
    owner.post("/scans", {"target": {"kind": "image", "id": image_id}, "plugins": [{"id": "thermal_hotspots"}]})
    workers.work()
    written = _series(recorded())
    assert written.count(("jobs", {"outcome": "done"})) == written.count(("job_ms", {"function": "worker"})) >= 2
    assert written.count(("decode_ms", {})) == 1
    assert "findings" in dict(written)


def test_work_of_every_kind_and_end_records_declared_metrics_only(
    recorded: Recorded, every_kind_of_work: Callable[[], None]
) -> None:
    every_kind_of_work()
    written = _series(recorded())
    assert [one for one in written if one not in metrics.series()] == []
    of_trouble = {"given_up", "rate_limit_unavailable"}
    never = [one for one in metrics.series() if one not in written and one[0] not in {"findings", *of_trouble}]
    assert never == []


def test_a_sweep_records_no_metric(recorded: Recorded, tick: Callable[[], Any]) -> None:
    tick()
    assert recorded() == []


def test_a_failing_sweep_is_an_error_of_the_scheduler(
    recorded: Recorded, tick: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda counts errors of the function, and the alarm function-errors watches them."""
    monkeypatch.setattr(scheduler, "TICKS", {"broken": lambda _: lambda: 1 / 0})
    with pytest.raises(scheduler.SweepsFailed, match="broken"):
        tick()
    assert recorded() == []


def test_a_request_that_cannot_be_counted_is_recorded(
    recorded: Recorded, owner: Person, argus: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> int:
        raise ConnectionError("no table")

    monkeypatch.setattr("argus.core.dynamo.Table.increment", broken)
    assert owner.get("/plugins").status_code == 200
    assert ("rate_limit_unavailable", {}) in _series(recorded())


def test_no_metric_is_written_when_off(capsys: pytest.CaptureFixture[str], owner: Person) -> None:
    owner.get("/plugins")
    assert "_aws" not in capsys.readouterr().out


# ---------------------------------------------------------------- the closed set


@pytest.mark.parametrize(
    ("values", "by"),
    [
        pytest.param({"logins": 1}, {}, id="another name"),
        pytest.param({"requests": 1}, {"status": "404"}, id="another value"),
        pytest.param({"requests": 1}, {}, id="no value"),
        pytest.param({"requests": 1}, {"status": "4xx", "route": "/me"}, id="another dimension"),
        pytest.param({"given_up": 1, "logins": 1}, {}, id="one of two"),
    ],
)
def test_an_undeclared_metric_is_refused(values: dict[str, float], by: dict[str, str], recorded: Recorded) -> None:
    with pytest.raises(metrics.UndeclaredMetric):
        metrics.record(values, by)
    assert recorded() == []


def test_an_undeclared_metric_does_not_fail_the_requests_of_a_deployed_stage(
    recorded: Recorded, owner: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(metrics.METRICS, "request_ms")
    assert owner.get("/plugins").status_code == 500
    recorded()
    metrics.configure(stage="test", on=True, strict=False)
    assert owner.get("/plugins").status_code == 200
    assert recorded() == []
    assert [line.levelname for line in caplog.records if line.message == "metric not recorded"] == ["ERROR"]


@pytest.mark.parametrize(("stage", "strict"), [("test", True), ("local", True), ("production", False)])
def test_only_local_stages_refuse_by_raising(stage: str, strict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    configured: list[bool] = []
    monkeypatch.setattr(metrics, "configure", lambda **options: configured.append(options["strict"]))
    for name in ("configure_logging", "sentry.configure"):
        monkeypatch.setattr(f"argus.container.{name}", lambda *_, **__: None)
    Container(Settings.from_env({"ARGUS_STAGE": stage, "ARGUS_CURSOR_SECRET": "x" * 32})).configure_observability()
    assert configured == [strict]


def test_every_severity_is_declared() -> None:
    assert metrics.METRICS["findings"].dimensions == {"severity": tuple(Severity)}


def test_a_stage_has_few_metrics() -> None:
    """CloudWatch charges 0.30 US dollars a month for each."""
    assert len(metrics.series()) <= 20
    assert all(
        metric.dimensions.keys() <= {"status", "function", "outcome", "severity"} for metric in metrics.METRICS.values()
    )
