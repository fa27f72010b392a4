"""A report as GeoJSON (RFC 7946): a feature per finding, for maps.

A finding's `location["wgs84"]` is its geometry; a finding without one keeps its row with `geometry: null`, so that
maps skip it and tables show it. Properties are the finding as in the JSON report (`argus.reports.as_json`), its pixel
polygon under `location` included. `bbox` is there when any finding has a place. `argus` is a foreign member
(RFC 7946, section 6.1) with what the features have in common.
"""

import json
from typing import Any

from argus.reports import plain, shapes
from argus.reports.data import ReportData
from argus.scanning.model import TrackedFinding


def build(document: ReportData) -> bytes:
    features = [_feature(finding, number) for number, finding in enumerate(document.findings, start=1)]
    places = [feature["geometry"] for feature in features if feature["geometry"]]
    bbox: dict[str, Any] = {"bbox": shapes.bounds(places)} if places else {}
    collection = {
        "type": "FeatureCollection",
        **bbox,
        "argus": {**plain.heading(document), "scan": plain.scan(document.scan)},
        "features": features,
    }
    return json.dumps(collection, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _feature(finding: TrackedFinding, number: int) -> dict[str, Any]:
    geometry = shapes.wgs84(finding.location)
    properties = plain.finding(finding, number=number)
    if geometry:
        del properties["location"]["wgs84"]  # as it would stand there twice
    return {"type": "Feature", "id": finding.fingerprint, "geometry": geometry, "properties": properties}
