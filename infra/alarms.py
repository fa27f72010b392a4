"""The metrics that alarms watch by name. CloudWatch charges for each of them."""

from collections.abc import Mapping
from typing import Any

from infra.templates import INFRA, Template

Metric = Mapping[str, Any]


def metrics_of(alarm: Mapping[str, Any]) -> list[Metric]:
    """The metrics in the properties of an alarm: its own, or those of its expression. A query names none."""
    if "MetricName" in alarm:
        return [alarm]
    return [entry["MetricStat"]["Metric"] for entry in alarm["Metrics"] if "MetricStat" in entry]


def alarm_metrics() -> list[Metric]:
    """The metrics of all alarms in the templates of infra/."""
    resources = [one for path in sorted(INFRA.glob("*.yaml")) for one in Template.read(path).resources.values()]
    alarms = [one["Properties"] for one in resources if one["Type"] == "AWS::CloudWatch::Alarm"]
    return [metric for alarm in alarms for metric in metrics_of(alarm)]
