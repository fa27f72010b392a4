"""A report as GeoJSON (RFC 7946): a feature per finding, for maps.

The geometry of a finding is its `location["wgs84"]`. A finding without one is a feature with `geometry: null`, which
maps skip and tables show. The properties are the finding as in the JSON report (`argus.reports.as_json`), with the rest
of its location, and facts about the target, such as the accuracy of an image's temperatures. `bbox` is present if any
finding has a geometry. `argus` is a foreign member (RFC 7946, section 6.1) with the properties of the report.
"""

import json
from typing import Any

from argus.core.text import well_formed
from argus.reports import plain, positions
from argus.reports.data import ReportData
from argus.scanning.model import TrackedFinding


def build(data: ReportData) -> bytes:
    target = plain.plain(data.target.columns)
    features = [_feature(finding, number, target) for number, finding in enumerate(data.findings, start=1)]
    geometries = [feature["geometry"] for feature in features if feature["geometry"]]
    bbox: dict[str, Any] = {"bbox": positions.bounds(geometries)} if geometries else {}
    collection = {
        "type": "FeatureCollection",
        **bbox,
        "argus": {**plain.heading(data), "scan": plain.scan(data.scan), **target},
        "features": features,
    }
    text = json.dumps(collection, ensure_ascii=False, allow_nan=False)
    return well_formed(text).encode() + b"\n"


def _feature(finding: TrackedFinding, number: int, target: dict[str, Any]) -> dict[str, Any]:
    geometry = positions.wgs84(finding.location)
    properties = {**plain.finding(finding, number=number), **target}
    if geometry:
        del properties["location"]["wgs84"]  # it is the geometry
    return {"type": "Feature", "id": finding.fingerprint, "geometry": geometry, "properties": properties}
