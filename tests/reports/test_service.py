"""A report from its request to its document, over HTTP."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
import requests

from argus.container import Container
from argus.core.background import MAX_CHECKS, Background
from argus.core.dynamo import due_shard
from argus.imagery.colour_bar import HEIGHT, WIDTH
from argus.reports import formats
from services.local.demo.scenes import Truth, flir_scene
from services.scheduler import main as scheduler
from tests.conftest import MovableClock, Person, Workers
from tests.imagery.uploads import announce, uploaded


@pytest.fixture(scope="module")
def owner(new_owner: Callable[[], Person]) -> Person:
    """Of every report in this module."""
    return new_owner()


@pytest.fixture(scope="module")
def scene() -> tuple[bytes, Truth]:
    return flir_scene(seed=5, width=320, height=240, leaks=2)


@pytest.fixture
def own_scan(owner: Person, workers: Workers, scene: tuple[bytes, Truth]) -> dict[str, Any]:
    """A scan of an image that the test may change."""
    image_id = uploaded(owner, workers, scene[0], name="NORTH_0001_T.JPG")["id"]
    plugin = {"id": "thermal_hotspots", "options": {"delta_celsius": 5}}
    body = {"target": {"kind": "image", "id": image_id}, "plugins": [plugin]}
    scan_id = owner.post("/scans", body).get_json()["id"]
    workers.work()
    return dict(owner.get(f"/scans/{scan_id}").get_json())


@pytest.fixture(scope="module")
def _shared() -> dict[str, Any]:
    return {}


@pytest.fixture
def scan(request: pytest.FixtureRequest, workers: Workers, _shared: dict[str, Any]) -> dict[str, Any]:
    """A scan that tests share; they do not change its image."""
    if not _shared:
        _shared.update(request.getfixturevalue("own_scan"))
    return _shared


def fetched(owner: Person, workers: Workers, scan: dict[str, Any], format_name: str) -> requests.Response:
    response = owner.post("/reports", {"scan_id": scan["id"], "format": format_name})
    assert (response.status_code, response.get_json()["state"], response.get_json()["link"]) == (202, "queued", None)
    workers.work()
    report = owner.get(response.headers["Location"]).get_json()
    assert report["state"] == "ready"
    document = requests.get(report["link"]["url"], timeout=100)
    assert len(document.content) == report["size_bytes"]
    return document


def test_the_leaks_of_the_scene_are_in_every_format(
    owner: Person, workers: Workers, scan: dict[str, Any], scene: tuple[bytes, Truth]
) -> None:
    leaks = len(scene[1].leaks)
    assert sum(scan["counts"].values()) == leaks
    as_json = fetched(owner, workers, scan, "json").json()
    assert (as_json["scan"]["id"], len(as_json["findings"])) == (scan["id"], leaks)
    rows = list(csv.DictReader(io.StringIO(fetched(owner, workers, scan, "csv").content.decode("utf-8-sig"))))
    assert len(rows) == leaks
    features = json.loads(fetched(owner, workers, scan, "geojson").content)["features"]
    assert len(features) == leaks
    pdf = pypdf.PdfReader(io.BytesIO(fetched(owner, workers, scan, "pdf").content))
    text = "".join(page.extract_text() for page in pdf.pages)
    assert "NORTH_0001_T.JPG" in text
    shown = {image.image.size for image in pdf.pages[0].images if image.image}
    assert {scene[1].celsius.shape[::-1], (WIDTH, HEIGHT)} <= shown  # the preview and its colour bar
    hottest = max(leak.peak_celsius for leak in scene[1].leaks)
    peaks = [finding["evidence"]["peak_celsius"] for finding in as_json["findings"]]
    assert max(peaks) == pytest.approx(hottest, abs=0.5)


def test_the_file_name_of_a_report_is_the_scan_id(owner: Person, workers: Workers, scan: dict[str, Any]) -> None:
    document = fetched(owner, workers, scan, "csv")
    assert document.headers["Content-Disposition"] == f'attachment; filename="{scan["id"]}.csv"'


def test_a_report_of_a_deleted_image_contains_the_findings(
    owner: Person, workers: Workers, own_scan: dict[str, Any]
) -> None:
    owner.delete(f"/images/{own_scan['target']['id']}")
    assert len(fetched(owner, workers, own_scan, "json").json()["findings"]) == sum(own_scan["counts"].values())
    assert fetched(owner, workers, own_scan, "pdf").content[:5] == b"%PDF-"


def test_a_report_of_an_image_that_is_being_deleted_does_not_show_it(
    owner: Person, workers: Workers, argus: Container, own_scan: dict[str, Any]
) -> None:
    image = argus.imagery.find(owner.organisation_id, own_scan["target"]["id"])
    assert image is not None
    assert argus.imagery.store.save(image.deleting(next_check_at=argus.clock())) is not None
    assert fetched(owner, workers, own_scan, "json").json()["image"] is None
    pdf = pypdf.PdfReader(io.BytesIO(fetched(owner, workers, own_scan, "pdf").content))
    assert "NORTH_0001_T.JPG" not in pdf.pages[0].extract_text()


def test_a_report_is_built_without_a_missing_picture(
    owner: Person, workers: Workers, argus: Container, own_scan: dict[str, Any]
) -> None:
    argus.objects.delete_under(f"{owner.organisation_id}/images/{own_scan['target']['id']}/")
    assert fetched(owner, workers, own_scan, "json").json()["image"]["name"] == "NORTH_0001_T.JPG"
    assert fetched(owner, workers, own_scan, "pdf").content[:5] == b"%PDF-"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"format": "docx"}, 422, "unprocessable_entity"),
        ({"format": None}, 422, "unprocessable_entity"),
        ({"scan_id": "scan_00000000000000000000000000"}, 404, "no_such_scan"),
        ({"scan_id": "../etc"}, 404, "no_such_scan"),
    ],
)
def test_an_invalid_report_request_is_rejected_at_once(
    owner: Person, change: dict[str, Any], status: int, code: str
) -> None:
    body = {"scan_id": "scan_00000000000000000000000000", "format": "pdf", **change}
    response = owner.post("/reports", body)
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_a_scan_that_has_not_ended_has_no_report_yet(owner: Person, workers: Workers, scan: dict[str, Any]) -> None:
    body = {"target": {"kind": "image", "id": scan["target"]["id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    running = owner.post("/scans", body).get_json()["id"]
    response = owner.post("/reports", {"scan_id": running, "format": "pdf"})
    assert (response.status_code, response.get_json()["code"]) == (409, "scan_not_ended")


def _broken(*_: Any) -> Any:
    raise RuntimeError("cannot build")


def test_a_report_that_cannot_be_built_fails_and_its_message_is_dead_lettered(
    owner: Person,
    workers: Workers,
    scan: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(formats.Format, "build", _broken)
    location = owner.post("/reports", {"scan_id": scan["id"], "format": "csv"}).headers["Location"]
    workers.work_until_dead(workers.outputs.jobs_dead_queue_url, location.rpartition("/")[2])
    report = owner.get(location).get_json()
    assert (report["state"], report["link"]) == ("failed", None)
    assert report["reason"]


def test_a_report_whose_message_is_lost_is_sent_again_and_finally_given_up(
    owner: Person,
    workers: Workers,
    argus: Container,
    scan: dict[str, Any],
    clock: MovableClock,
    tick: Callable[[], object],
) -> None:
    def request_lost() -> str:
        """Request a report whose message is lost. Returns its URL."""
        location = owner.post("/reports", {"scan_id": scan["id"], "format": "csv"}).headers["Location"]
        workers.discard(location.rpartition("/")[2])
        return location

    retried = request_lost()
    clock.move(minutes=3)
    tick()
    workers.work()
    assert owner.get(retried).get_json()["state"] == "ready"
    hopeless = request_lost()
    for _ in range(MAX_CHECKS):
        assert owner.get(hopeless).get_json()["state"] == "queued"
        clock.move(hours=4)
        tick()
        workers.discard(hopeless.rpartition("/")[2])
    clock.move(hours=4)
    tick()
    failed = owner.get(hopeless).get_json()
    assert (failed["state"], failed["reason"]) == (
        "failed",
        "Processing could not start; the operators have been alerted.",
    )


@pytest.mark.parametrize(
    ("path", "body"), [("/reports", {"format": "csv"}), ("/scans", {"plugins": [{"id": "thermal_hotspots"}]})]
)
def test_links_contain_the_stage_of_the_request(
    owner: Person, scan: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    about = {"scan_id": scan["id"]} if path == "/reports" else {"target": {"kind": "image", "id": scan["target"]["id"]}}
    created = owner.post(path, {**about, **body}, environ_overrides={"SCRIPT_NAME": "/production"})
    assert created.headers["Location"] == f"/production/api/v1{path}/{created.get_json()['id']}"
    if path == "/scans":
        assert created.get_json()["target"]["link"] == f"/production{scan['target']['link']}"


@pytest.mark.parametrize(("attempts", "state"), [(0, "ready"), (3, "failed")], ids=["sent again", "given up"])
def test_a_report_that_the_sweep_cannot_process_does_not_block_the_others(
    owner: Person,
    workers: Workers,
    argus: Container,
    scan: dict[str, Any],
    clock: MovableClock,
    tick: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
    attempts: int,
    state: str,
) -> None:
    report_ids = [owner.post("/reports", {"scan_id": scan["id"], "format": "csv"}).get_json()["id"] for _ in range(4)]
    workers.discard(report_ids[-1])
    for _ in range(attempts):  # workers that died
        for report_id in report_ids:
            report = argus.reports.store.get(owner.organisation_id, report_id)
            assert argus.reports.background.claim(report) is not None
        clock.move(minutes=10)
    first, *others = sorted(report_ids, key=due_shard)  # sorting is stable: the sweep processes them in this order
    retry = Background.retry

    def stuck(background: Background[Any], item: Any) -> None:
        if item.id == first:
            raise RuntimeError("stuck")
        retry(background, item)

    clock.move(minutes=3)
    with monkeypatch.context() as broken:
        broken.setattr(Background, "retry", stuck)
        with pytest.raises(scheduler.SweepsFailed, match=r"reports\.sweep"):
            tick()
        workers.work()
        states = [owner.get(f"/reports/{report}").get_json()["state"] for report in (first, *others)]
        assert states == ["queued", *[state] * 3]
        tick()  # it is postponed
    clock.move(minutes=5)
    tick()
    workers.work()
    assert owner.get(f"/reports/{first}").get_json()["state"] == state


def test_reports_are_listed_newest_first(owner: Person, scan: dict[str, Any], clock: MovableClock) -> None:
    def listed() -> list[str]:
        return [report["id"] for report in owner.get("/reports").get_json()["items"]]

    clock.move(days=10)  # other tests request reports up to two days ahead
    created = [owner.post("/reports", {"scan_id": scan["id"], "format": "csv"}).get_json()["id"] for _ in range(3)]
    assert listed()[:3] == created[::-1]


def test_a_report_needs_an_image_that_is_ready(owner: Person) -> None:
    image_id = announce(owner, b"x")["image_id"]
    body = {"target": {"kind": "image", "id": image_id}, "plugins": [{"id": "thermal_hotspots"}]}
    response = owner.post("/scans", body)
    assert (response.status_code, response.get_json()["code"]) == (409, "image_not_ready")
