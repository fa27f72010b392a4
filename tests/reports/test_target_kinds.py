"""Reports about a kind of target that reports do not know: pumps, without a picture, with their own measurements."""

import csv
import io
import json
from collections.abc import Iterator, Sequence

import pytest

from argus.app import create_app
from argus.capabilities import installed
from argus.container import Container
from argus.core import pdf
from argus.core.declarations import Capability, TargetKind
from argus.reports import as_csv
from argus.reports.formats import FORMATS
from argus.reports.model import Column, Mark, PdfSection, Report, TargetSection
from argus.scanning.model import Finding, Severity
from services.worker import main as worker
from tests import documents
from tests.conftest import Person, Workers
from tests.scanning.scripted import Scripted, container_with

COLUMNS = (
    Column("revolutions", "Speed\nrpm", decimals=0),
    Column("bearing", "Bearing", width_millimetres=22),
    Column("hours"),
    Column("stage", locate=lambda location: location.get("stage")),
)
FINDINGS = (
    Finding("spot", {"stage": 2}, {"revolutions": 1450.4, "bearing": "<b>7</b>"}, "shaft", severity=Severity.LOW),
    Finding(
        "spot",
        {"wgs84": {"type": "Point", "coordinates": [9, 50]}},
        {"revolutions": 3.5, "hours": 7, "oil": "low", "stage": "first"},
        "seal",
        severity=Severity.HIGH,
    ),
)


def canonical(text: str) -> str:
    return text.lower()


def authorise(_caller: object, _value: str) -> None:
    """Everybody may scan pumps."""


def blocks(typesetter: pdf.Typesetter, marks: Sequence[Mark]) -> Iterator[pdf.Item]:
    yield pdf.heading(typesetter, "Seals")
    columns = (pdf.Column("Finding"), pdf.Column("Rule"), pdf.Column("Severity"), pdf.Column("Oil"))
    rows = [(mark.title, mark.rule, mark.severity.value, mark.evidence.get("oil", "full")) for mark in marks]
    yield pdf.Item(pdf.table(typesetter, columns, rows))


def report_section(_organisation_id: str, value: str, *, with_blocks: bool) -> TargetSection | None:
    if value == "scrapped":
        return None
    return TargetSection(
        f"Pump {value}",
        facts={"Built": 1987, "Maker": None},
        details={"value": value, "with_blocks": with_blocks},
        pdf=PdfSection("Pump report", {"Hall": "North"}, blocks),
    )


PUMP = TargetKind(
    about="A pump",
    given_by="value",
    canonical=f"{__name__}:canonical",
    authorise=f"{__name__}:authorise",
    report_section=f"{__name__}:report_section",
    report_columns=f"{__name__}:COLUMNS",
)


@pytest.fixture
def container(argus: Container) -> Container:
    pumps = Capability(name="pumps", about="Pumps", targets={"pump": PUMP})
    inspector = Scripted("inspector", target_kinds=("pump",), script=lambda _tools: FINDINGS)
    return container_with(argus, inspector, capabilities=(*installed(), pumps))


@pytest.fixture
def scan_ids(container: Container, owner: Person, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Ended scans of two pumps, by pump."""
    monkeypatch.setattr(worker, "container", lambda: container)
    client = Person(create_app(container).test_client(), owner.headers, owner.organisation_id)
    scans = {}
    for pump in ("p7", "scrapped"):
        body = {"target": {"kind": "pump", "value": pump}, "plugins": [{"id": "inspector"}]}
        scans[pump] = client.post("/scans", body).get_json()["id"]
    workers.work()
    return scans


def built(container: Container, owner: Person, scan_id: str, format_name: str) -> bytes:
    report = Report("rpt_1", owner.organisation_id, scan_id, format_name, "usr_1", container.clock())
    return FORMATS[format_name].build(container.reports.gather(report))


def rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


def test_json_has_the_facts_and_the_details_of_the_target(
    container: Container, owner: Person, scan_ids: dict[str, str]
) -> None:
    report = json.loads(built(container, owner, scan_ids["p7"], "json"))

    assert report["target"] == {"name": "Pump p7", "facts": {"Built": 1987, "Maker": None}}
    assert (report["image"], report["pump"]) == (None, {"value": "p7", "with_blocks": False})
    assert [finding["evidence"] for finding in report["findings"]] == [FINDINGS[1].evidence, FINDINGS[0].evidence]


def test_csv_has_the_columns_of_the_kind_and_no_others(
    container: Container, owner: Person, scan_ids: dict[str, str]
) -> None:
    first, second = rows(built(container, owner, scan_ids["p7"], "csv"))

    names = ("revolutions", "bearing", "hours", "stage")
    assert tuple(first) == (*as_csv.FIRST, *names, *as_csv.LAST)
    assert [first[name] for name in (*names, "longitude", "other_evidence")] == [
        "3.5", "", "7", "", "9.0", '{"oil": "low", "stage": "first"}',
    ]  # fmt: skip
    assert [second[name] for name in (*names, "longitude", "other_evidence")] == [
        "1450.4", "<b>7</b>", "", "2", "", "",
    ]  # fmt: skip


def test_geojson_has_the_findings(container: Container, owner: Person, scan_ids: dict[str, str]) -> None:
    first, second = json.loads(built(container, owner, scan_ids["p7"], "geojson"))["features"]

    assert first["geometry"] == {"type": "Point", "coordinates": [9.0, 50.0]}
    assert (second["geometry"], second["properties"]["location"]) == (None, {"stage": 2})


def test_pdf_has_title_facts_blocks_and_columns_of_the_kind(
    container: Container, owner: Person, scan_ids: dict[str, str]
) -> None:
    body = built(container, owner, scan_ids["p7"], "pdf")
    (shown,) = documents.pages(body)

    for expected in (
        "Pump report Pump p7",
        "Hall North",
        "Built 1987",
        "Maker —",
        "Finding Rule Severity Oil A spot spot high low A spot spot low full",
        "Severity Finding Status Speed rpm Bearing Location",
        "inspector.spot New 4 — seal",
        "inspector.spot New 1450 <b>7</b> shaft",
    ):
        assert expected in shown
    assert documents.outline(body) == ["Seals", "Findings", "What to do", "How it was scanned"]
    metadata = documents.read(body).metadata
    assert metadata is not None
    assert metadata.title == "Pump report: Pump p7"
    for thermal in ("Peak", "°C", "Emissivity", "pixels", "Thermal"):
        assert thermal not in shown


def test_a_report_about_a_deleted_target_keeps_the_columns_of_its_kind(
    container: Container, owner: Person, scan_ids: dict[str, str]
) -> None:
    scan_id = scan_ids["scrapped"]

    report = json.loads(built(container, owner, scan_id, "json"))
    assert report["target"] == {"name": "scrapped", "facts": {}}
    assert "pump" not in report
    assert [row["revolutions"] for row in rows(built(container, owner, scan_id, "csv"))] == ["3.5", "1450.4"]
    (shown,) = documents.pages(built(container, owner, scan_id, "pdf"))
    assert "Inspection report pump scrapped" in shown
    assert "Speed rpm Bearing" in shown
