"""Every line of metrics conforms to the embedded metric format; CloudWatch silently drops others."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import fastjsonschema
import pytest

from argus.container import Container
from argus.core import metrics
from argus.scanning.model import Severity
from services.local.demo.scenes import flir_scene
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


def _metrics(line: str) -> dict[str, Any]:
    """Parse a line like CloudWatch; fails unless the line contains every value that its definitions name."""
    event = json.loads(line)
    _valid(event)
    assert abs(event["_aws"]["Timestamp"] / 1000 - time.time()) < 600
    (directive,) = event["_aws"]["CloudWatchMetrics"]
    (dimensions,) = directive["Dimensions"]
    values = {definition["Name"]: event[definition["Name"]] for definition in directive["Metrics"]}
    assert all(type(value) in (int, float) for value in values.values())
    by = {name: event[name] for name in dimensions}
    assert all(isinstance(value, str) and 1 <= len(value) <= 1024 and value.isascii() for value in by.values())
    return {"namespace": directive["Namespace"], "by": by, "values": values}


@pytest.fixture
def recorded(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Turns metrics on; returns those written since the last call."""
    metrics.configure(stage="test", on=True)
    yield lambda: [_metrics(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    metrics.configure(stage="test", on=False)


def test_a_request_records_its_route_and_duration(recorded: Callable[[], Any], owner: Person) -> None:
    recorded()
    owner.get("/images/img_01jb8z3k9q2m4n6p8r0s2t4v6w")
    owner.call("BREW", "/nothing")
    known, unknown = recorded()
    assert known["namespace"] == "Argus"
    assert known["by"] == {"stage": "test", "route": "GET /api/v1/images/<image_id>", "status": "4xx"}
    assert known["values"] == {"requests": 1, "request_ms": known["values"]["request_ms"]}
    assert 0 < known["values"]["request_ms"] < 60_000
    assert unknown["by"]["route"] == "unmatched", "clients cannot create metrics"


def test_an_image_and_its_scan_record_jobs_decoding_and_findings(
    recorded: Callable[[], Any], owner: Person, workers: Workers
) -> None:
    image_id = uploaded(owner, workers, flir_scene(seed=9, width=160, height=120)[0])["id"]
    owner.post("/scans", {"target": {"kind": "image", "id": image_id}, "plugins": [{"id": "thermal_hotspots"}]})
    workers.work()
    metrics_written = recorded()
    jobs = [metric["by"] for metric in metrics_written if "jobs" in metric["values"]]
    assert {"stage": "test", "function": "worker", "job": "image.arrived", "outcome": "done"} in jobs
    assert {"stage": "test", "function": "worker", "job": "scan.run", "outcome": "done"} in jobs
    assert [metric["by"] for metric in metrics_written if "decode_ms" in metric["values"]] == [{"stage": "test"}]
    severities = {metric["by"]["severity"] for metric in metrics_written if "findings" in metric["values"]}
    assert severities <= {severity.value for severity in Severity}
    assert severities


def test_a_request_that_cannot_be_counted_is_recorded(
    recorded: Callable[[], Any], owner: Person, argus: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> int:
        raise ConnectionError("no table")

    monkeypatch.setattr("argus.core.dynamo.Table.increment", broken)
    assert owner.get("/plugins").status_code == 200
    assert {"rate_limit_unavailable": 1} in [metric["values"] for metric in recorded()]


def test_no_metric_is_written_when_off(capsys: pytest.CaptureFixture[str], owner: Person) -> None:
    owner.get("/plugins")
    assert "_aws" not in capsys.readouterr().out
