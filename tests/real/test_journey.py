"""Real camera files through the front door: uploaded, decoded, scanned, reported, and compared with the reference."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pypdf
import pytest
import requests

from tests.conftest import Person, Workers
from tests.imagery.uploads import uploaded

SAMPLES = Path(os.environ["ARGUS_SAMPLES"])
REFERENCE: dict[str, dict[str, Any]] = json.loads((SAMPLES / "reference.json").read_text())
EXACT = [name for name, facts in REFERENCE.items() if facts.get("reference", "").startswith("exiftool")]
TOLERANCE_CELSIUS = 0.01
ROUNDING_CELSIUS = 0.006  # the temperature GeoTIFF counts in hundredths, and the reference in thousandths


@pytest.mark.parametrize("name", EXACT)
def test_a_flir_file_comes_back_with_the_references_temperatures_findings_and_report(
    owner: Person, workers: Workers, name: str
) -> None:
    facts = REFERENCE[name]
    image = uploaded(owner, workers, (SAMPLES / name).read_bytes(), name=name)
    assert (image["state"], image["accuracy"]) == ("ready", {"kind": "exact", "error_c": 0.001})
    assert (image["width"], image["height"]) == (facts["width"], facts["height"])
    for statistic in ("min_c", "max_c", "mean_c", "p5_c", "p95_c"):
        assert image["stats"][statistic] == pytest.approx(facts[statistic], abs=TOLERANCE_CELSIUS), statistic
    for row, expected in list(zip(facts["rows"], facts["grid_c"], strict=True))[::4]:
        for column, celsius in list(zip(facts["cols"], expected, strict=True))[::4]:
            answer = owner.get(f"/images/{image['id']}/temperature?x={column}&y={row}").get_json()
            assert answer["celsius"] == pytest.approx(celsius, abs=ROUNDING_CELSIUS)
    plugin = {"id": "thermal_hotspots", "options": {"delta_celsius": 15, "absolute_celsius": 40}}
    body = {"target": {"kind": "image", "id": image["id"]}, "plugins": [plugin]}
    scan_id = owner.post("/scans", body).get_json()["id"]
    workers.work()
    scan = owner.get(f"/scans/{scan_id}").get_json()
    assert scan["state"] == "succeeded"
    report = owner.post("/reports", {"scan_id": scan_id, "format": "pdf"}).headers["Location"]
    workers.work()
    document = requests.get(owner.get(report).get_json()["link"]["url"], timeout=100).content
    assert name in pypdf.PdfReader(io.BytesIO(document)).pages[0].extract_text()


@pytest.mark.parametrize("name", ["dji_m3t.jpg", "dji_m30t.jpg"])
def test_a_dji_file_has_the_temperatures_of_djis_software(owner: Person, workers: Workers, name: str) -> None:
    facts = REFERENCE[name]
    image = uploaded(owner, workers, (SAMPLES / name).read_bytes(), name=name)
    assert (image["state"], image["accuracy"]) == ("ready", {"kind": "exact", "error_c": 0.3})
    for statistic in ("min_c", "max_c", "mean_c"):
        assert image["stats"][statistic] == pytest.approx(facts[statistic], abs=0.05)


@pytest.mark.parametrize(
    ("name", "content_type", "code"),
    [
        ("dji_h20t.jpg", "image/jpeg", "unsupported"),
        ("not_radiometric.jpg", "image/jpeg", "not_radiometric"),
        ("raw16.tiff", "image/tiff", "no_temperature_scale"),
        ("odm_orthophoto.tif", "image/tiff", "not_radiometric"),
    ],
)
def test_a_file_without_a_known_conversion_is_rejected(
    owner: Person, workers: Workers, name: str, content_type: str, code: str
) -> None:
    image = uploaded(owner, workers, (SAMPLES / name).read_bytes(), name=name, content_type=content_type)
    assert (image["state"], image["code"]) == ("rejected", code)
    assert image["reason"]
