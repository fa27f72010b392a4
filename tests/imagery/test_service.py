"""An image from the upload request to its deletion, through the API and the workers."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image as Picture

from argus.container import Container
from argus.core.background import Background
from argus.core.dynamo import due_shard
from argus.core.objects import NotDeleted, Objects
from argus.core.settings import BadSetting, Settings
from argus.imagery import processing
from argus.imagery.capability import ImagerySettings
from argus.imagery.external import ExternalDecoder
from argus.imagery.model import Image, ImageState
from argus.imagery.store import ImageryStore
from argus.imagery.thermogram import NotRadiometric
from infra.embedded.aws import EmbeddedAws
from services.local.demo.scenes import Setting, Truth, dji_scene, flir_scene, tiff16
from services.scheduler import main as scheduler
from tests.conftest import MovableClock, Person, Workers
from tests.imagery import hostile
from tests.imagery.decoders import FAKE
from tests.imagery.uploads import announce, crash, send, uploaded
from tests.problems import at_parameters, at_pointers

PALETTES = {"iron", "medical", "hotspot_alert", "white_hot", "black_hot", "rainbow"}


@pytest.fixture(scope="module")
def owner(new_owner: Callable[[], Person]) -> Person:
    """Of every image in this module."""
    return new_owner()


@pytest.fixture(scope="module")
def scene() -> tuple[bytes, Truth]:
    return flir_scene(seed=1, width=160, height=120, leaks=2)


@pytest.fixture(scope="module")
def _shared() -> dict[str, Any]:
    return {}


@pytest.fixture
def ready(owner: Person, workers: Workers, scene: tuple[bytes, Truth], _shared: dict[str, Any]) -> dict[str, Any]:
    """A processed image of the scene. Tests share it and must not change it."""
    if not _shared:
        _shared.update(uploaded(owner, workers, scene[0], name="Rohr, Süd.jpg", site="North", pad="P01"))
    return _shared


def _keys(aws: EmbeddedAws, argus: Container, prefix: str) -> list[str]:
    versions = aws.client("s3").list_object_versions(Bucket=argus.settings.media_bucket, Prefix=prefix)
    return [entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in versions.get(kind, [])]


@contextmanager
def _undeletable(argus: Container, text: str) -> Iterator[None]:
    """S3 does not delete objects whose key contains the text, and reports that in a successful response."""
    kept: list[dict[str, str]] = []

    def skip(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        requested = params["Delete"]["Objects"]
        kept[:] = [entry for entry in requested if text in entry["Key"]]
        deleted = [entry for entry in requested if entry not in kept] or [{"Key": "none", "VersionId": "none"}]
        return {**params, "Delete": {**params["Delete"], "Objects": deleted}}

    def report(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Errors"] = [{**entry, "Code": "InternalError", "Message": "Try again."} for entry in kept]

    events = argus.aws.client("s3").meta.events
    events.register("provide-client-params.s3.DeleteObjects", skip)
    events.register("after-call.s3.DeleteObjects", report)
    try:
        yield
    finally:
        events.unregister("provide-client-params.s3.DeleteObjects", skip)
        events.unregister("after-call.s3.DeleteObjects", report)


def test_a_radiometric_image_becomes_temperatures_pictures_and_facts(
    ready: dict[str, Any], scene: tuple[bytes, Truth]
) -> None:
    image, truth = ready, scene[1]
    assert (image["state"], image["accuracy"]["kind"], image["width"], image["height"]) == ("ready", "exact", 160, 120)
    assert (image["code"], image["reason"]) == (None, None)
    assert image["survey"] == {"site": "North", "sector": "", "period": "", "pad": "P01"}
    assert image["stats"]["max_c"] == pytest.approx(float(truth.celsius.max()), abs=0.02)
    assert image["stats"]["mean_c"] == pytest.approx(float(truth.celsius.mean()), abs=0.02)
    assert sum(image["histogram"]["counts"]) == 160 * 120
    assert image["camera"]["make"] == "FLIR Systems AB"
    assert set(image["links"]["previews"]) >= PALETTES
    assert set(image["links"]["colorbar"]) >= PALETTES
    assert set(image["links"]["cog"]) == {"url", "expires_at"}


def test_every_link_of_a_ready_image_returns_its_file(
    owner: Person, ready: dict[str, Any], scene: tuple[bytes, Truth]
) -> None:
    links = owner.get(f"/images/{ready['id']}").get_json()["links"]
    assert requests.get(links["original"]["url"], timeout=100).content == scene[0]
    assert requests.get(links["cog"]["url"], timeout=100).content[:4] == b"II*\0"
    assert len(requests.get(links["cog"]["url"], headers={"Range": "bytes=0-99"}, timeout=100).content) == 100
    preview = requests.get(links["previews"]["iron"]["url"], timeout=100).content  # test_pictures.py has the others
    Picture.open(io.BytesIO(preview)).verify()


def test_a_pixel_has_the_temperature_of_the_scene(
    owner: Person, ready: dict[str, Any], scene: tuple[bytes, Truth]
) -> None:
    for x, y in [(0, 0), (159, 119), (80, 60), (3, 117)]:
        response = owner.get(f"/images/{ready['id']}/temperature?x={x}&y={y}")
        assert response.get_json()["celsius"] == pytest.approx(float(scene[1].celsius[y, x]), abs=0.02)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("x=160&y=0", 422, "outside_image"),
        ("x=0&y=120", 422, "outside_image"),
        ("x=-1&y=0", 422, "unprocessable_entity"),
        ("x=0", 422, "unprocessable_entity"),
        ("x=0&y=1e3", 422, "unprocessable_entity"),
        ("x=0&y=99999999999999999999999", 422, "unprocessable_entity"),
        ("x=0&y=0&z=0", 422, "unprocessable_entity"),
    ],
)
def test_an_invalid_pixel_is_refused(owner: Person, ready: dict[str, Any], query: str, status: int, code: str) -> None:
    response = owner.get(f"/images/{ready['id']}/temperature?{query}")
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    if code == "outside_image":
        assert set(at_parameters(response)) == {"x" if "x=160" in query else "y"}


def test_an_image_that_is_not_ready_has_no_temperatures_yet(owner: Person) -> None:
    item = announce(owner, b"x" * 10)
    response = owner.get(f"/images/{item['image_id']}/temperature?x=0&y=0")
    assert (response.status_code, response.get_json()["code"]) == (409, "image_not_ready")


def _visible_jpeg() -> bytes:
    stream = io.BytesIO()
    Picture.fromarray(np.full((120, 160, 3), 90, np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        pytest.param(
            b"no picture at all",
            "not_radiometric",
            "The file is neither a JPEG, nor an FFF file, nor a TIFF. Upload the camera’s original radiometric file.",
            id="text",
        ),
        pytest.param(
            _visible_jpeg(),
            "not_radiometric",
            "The JPEG contains a photo but no thermal data. Upload the camera’s original radiometric file.",
            id="visible light",
        ),
        pytest.param(
            hostile.camera(0x20, float("nan")),
            "implausible",
            "The emissivity nan is impossible: it must be above 0 and at most 1.",
            id="a setting that DynamoDB cannot store",
        ),
        pytest.param(
            hostile.tiff_of_enormous_width(),
            "too_many_pixels",
            "The image has 4294967295 × 48 pixels; at most 16777216 in all are accepted.",
            id="a width that DynamoDB cannot store",
        ),
    ],
)
def test_a_file_without_usable_temperatures_is_rejected_with_a_reason(
    owner: Person, workers: Workers, data: bytes, code: str, reason: str
) -> None:
    image = uploaded(owner, workers, data)
    assert (image["state"], image["code"], image["reason"]) == ("rejected", code, reason)
    assert image["links"] is None


def test_the_reason_of_a_rejection_is_in_the_callers_language(owner: Person, workers: Workers) -> None:
    image = uploaded(owner, workers, hostile.many_records())
    french = owner.get(f"/images/{image['id']}", headers={"Accept-Language": "fr"}).get_json()
    assert french["reason"] == (
        "Le répertoire du fichier FFF annonce 100000 enregistrements, que le fichier ne peut contenir. "
        "Téléversez une copie intacte du fichier."
    )


def test_a_number_in_the_reason_of_a_rejection_is_in_the_callers_language(owner: Person, workers: Workers) -> None:
    image = uploaded(owner, workers, hostile.camera(0x20, 1.5))
    responses = {
        language: owner.get(f"/images/{image['id']}", headers={"Accept-Language": language})
        for language in ("en", "fr", "es")
    }
    assert {language: response.get_json()["reason"] for language, response in responses.items()} == {
        "en": "The emissivity 1.5 is impossible: it must be above 0 and at most 1.",
        "fr": "L’émissivité 1,5 est impossible\u00a0: elle doit être supérieure à 0 et ne pas dépasser 1.",
        "es": "La emisividad 1,5 es imposible: debe ser mayor que 0 y no superar 1.",
    }


def test_a_16_bit_tiff_requires_a_scale_and_uses_the_declared_one(owner: Person, workers: Workers) -> None:
    counts = (np.arange(160 * 120, dtype=np.uint16).reshape(120, 160) % 5000) + 29000
    data = tiff16(counts)
    refused = uploaded(owner, workers, data, content_type="image/tiff")
    assert (refused["state"], refused["code"]) == ("rejected", "no_temperature_scale")
    declared = {"factor": 0.01, "offset": -273.15}
    ready = uploaded(owner, workers, data, content_type="image/tiff", scale=declared)
    assert ready["state"] == "ready"
    assert ready["stats"]["min_c"] == pytest.approx(290.00 - 273.15, abs=0.01)


def test_a_scale_too_fine_for_any_camera_still_gives_an_image(owner: Person, workers: Workers) -> None:
    counts = np.arange(40 * 30, dtype=np.uint16).reshape(30, 40) % 7
    image = uploaded(
        owner, workers, tiff16(counts), name="a.tif", content_type="image/tiff", scale={"factor": 1e-6, "offset": 20}
    )
    assert (image["state"], sum(image["histogram"]["counts"])) == ("ready", counts.size)


def test_camera_texts_of_a_file_are_truncated(owner: Person, workers: Workers) -> None:
    counts = (np.arange(160 * 120, dtype=np.uint16).reshape(120, 160) % 5000) + 29000
    stream = io.BytesIO()
    Picture.fromarray(counts).save(stream, "TIFF", tiffinfo={271: "A" * 30_000, 272: "B" * 30_000})
    declared = {"factor": 0.01, "offset": -273.15}
    image = uploaded(owner, workers, stream.getvalue(), content_type="image/tiff", scale=declared)
    assert image["state"] == "ready"
    assert image["camera"] == {"make": "A" * 100, "model": "B" * 100, "serial": "", "lens": ""}


def test_a_long_camera_model_is_truncated_in_the_reason(owner: Person, workers: Workers) -> None:
    image = uploaded(owner, workers, dji_scene(model="M" * 60_000)[0])
    assert (image["state"], image["code"]) == ("rejected", "unsupported")
    assert image["reason"] == (
        f"The conversion of the format iirp was not measured for a DJI {'M' * 100}. "
        "Upload a 16-bit TIFF of temperatures instead, or ask the operator of Argus for an external decoder."
    )


def test_a_long_parameter_of_a_reason_is_truncated(
    owner: Person, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotRadiometric("unit", unit="x" * 1000)

    monkeypatch.setattr(processing, "decode_file", refuse)
    assert uploaded(owner, workers, b"x")["reason"] == (
        f"The unit of the TIFF’s values is “{'x' * 500}”, neither °C nor kelvin. "
        "Upload the camera’s original radiometric file."
    )


def test_an_upload_of_another_size_than_announced_is_rejected(
    owner: Person, workers: Workers, scene: tuple[bytes, Truth]
) -> None:
    item = announce(owner, scene[0][:-1])
    send(item, scene[0])
    workers.work()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("rejected", "wrong_size")


def test_a_second_event_changes_nothing(
    owner: Person, argus: Container, ready: dict[str, Any], scene: tuple[bytes, Truth]
) -> None:
    key = f"{owner.organisation_id}/images/{ready['id']}/original"
    argus.imagery.arrived(key, size_bytes=len(scene[0]))
    argus.imagery.arrived(key, size_bytes=1)
    assert owner.get(f"/images/{ready['id']}").get_json()["version"] == ready["version"]


def test_a_later_upload_under_the_same_key_changes_nothing(
    owner: Person, workers: Workers, scene: tuple[bytes, Truth]
) -> None:
    item = announce(owner, scene[0])
    send(item, scene[0])
    workers.work()
    before = owner.get(f"/images/{item['image_id']}").get_json()
    send(item, b"x" * len(scene[0]))
    workers.work()
    after = owner.get(f"/images/{item['image_id']}").get_json()
    assert (after["version"], after["stats"]) == (before["version"], before["stats"])
    assert requests.get(after["links"]["original"]["url"], timeout=100).content == scene[0]


def test_a_form_sent_twice_leaves_only_the_processed_version(
    owner: Person, workers: Workers, aws: EmbeddedAws, argus: Container, scene: tuple[bytes, Truth]
) -> None:
    item = announce(owner, scene[0])
    for data in (scene[0], b"x" * len(scene[0])):
        send(item, data)
        workers.work()
    key = f"{owner.organisation_id}/images/{item['image_id']}/original"
    stored = aws.client("s3").list_object_versions(Bucket=argus.settings.media_bucket, Prefix=key)
    assert [version["IsLatest"] for version in stored["Versions"]] == [True]
    assert argus.objects.get(key, max_bytes=10**7) == scene[0]


def test_versions_are_listed_only_if_there_are_several(
    owner: Person, workers: Workers, scene: tuple[bytes, Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    keep_only = Objects.keep_only

    def noted(objects: Objects, key: str, version_id: str) -> None:
        listed.append(key)
        keep_only(objects, key, version_id)

    monkeypatch.setattr(Objects, "keep_only", noted)
    item = announce(owner, scene[0])
    send(item, scene[0])
    workers.work()
    assert (owner.get(f"/images/{item['image_id']}").get_json()["state"], listed) == ("ready", [])
    send(item, scene[0])
    workers.work()
    assert len(listed) == 1


def test_of_two_versions_that_arrive_at_once_one_remains(
    owner: Person,
    workers: Workers,
    aws: EmbeddedAws,
    argus: Container,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both workers read the image before either has claimed it."""
    item = announce(owner, scene[0])
    claim = Background.claim

    def after_the_other(background: Any, image: Any, **changes: Any) -> Any:
        monkeypatch.setattr(Background, "claim", claim)
        send(item, scene[0])
        workers.work()  # receives the second version
        return claim(background, image, **changes)

    monkeypatch.setattr(Background, "claim", after_the_other)
    send(item, scene[0])
    workers.work()
    key = f"{owner.organisation_id}/images/{item['image_id']}/original"
    stored = aws.client("s3").list_object_versions(Bucket=argus.settings.media_bucket, Prefix=key)
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "ready"
    assert [version["IsLatest"] for version in stored["Versions"]] == [True]


@pytest.mark.parametrize("state", ["ready", "rejected"])
def test_a_form_sent_again_during_processing_leaves_only_the_processed_version(
    owner: Person,
    workers: Workers,
    aws: EmbeddedAws,
    argus: Container,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    data = scene[0] if state == "ready" else b"no picture at all"
    item = announce(owner, data)
    decode = processing.decode_file

    def sent_again(*arguments: Any, **named: Any) -> Any:
        send(item, b"x" * len(data))
        workers.work()
        return decode(*arguments, **named)

    monkeypatch.setattr(processing, "decode_file", sent_again)
    send(item, data)
    workers.work()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    key = f"{owner.organisation_id}/images/{item['image_id']}/original"
    stored = aws.client("s3").list_object_versions(Bucket=argus.settings.media_bucket, Prefix=key)
    assert (image["state"], [version["IsLatest"] for version in stored["Versions"]]) == (state, [True])
    assert argus.objects.get(key, max_bytes=10**7) == data


def test_a_version_that_could_not_be_deleted_is_deleted_at_redelivery(
    owner: Person,
    workers: Workers,
    aws: EmbeddedAws,
    argus: Container,
    scene: tuple[bytes, Truth],
) -> None:
    item = announce(owner, scene[0])
    send(item, scene[0])
    send(item, scene[0])
    key = f"{owner.organisation_id}/images/{item['image_id']}/original"
    with _undeletable(argus, key):
        workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "ready"
    assert _keys(aws, argus, key) == [key, key]
    argus.imagery.arrived(key, size_bytes=len(scene[0]))
    assert _keys(aws, argus, key) == [key]


def test_a_form_sent_after_its_image_was_deleted_leaves_no_objects(
    owner: Person, workers: Workers, aws: EmbeddedAws, argus: Container, scene: tuple[bytes, Truth]
) -> None:
    item = announce(owner, scene[0])
    assert owner.delete(f"/images/{item['image_id']}").status_code == 204
    send(item, scene[0])
    workers.work()
    assert _keys(aws, argus, f"{owner.organisation_id}/images/{item['image_id']}/") == []


def test_an_image_whose_object_is_deleted_before_reading_is_rejected(
    owner: Person, workers: Workers, aws: EmbeddedAws, argus: Container, scene: tuple[bytes, Truth]
) -> None:
    item = announce(owner, scene[0])
    send(item, scene[0])
    key = f"{owner.organisation_id}/images/{item['image_id']}/original"
    bucket = {"Bucket": argus.settings.media_bucket, "Key": key}
    version = aws.client("s3").head_object(**bucket)["VersionId"]
    aws.client("s3").delete_object(**bucket, VersionId=version)
    argus.imagery.arrived(key, object_version=version, size_bytes=len(scene[0]))
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("rejected", "upload_missing")


@pytest.mark.parametrize(
    "key",
    [
        "org_00000000000000000000000000/images/img_00000000000000000000000000/original",
        "somewhere/else/original",
        "org_x/images/../original",
    ],
)
def test_an_object_whose_key_was_not_issued_is_skipped_and_logged(
    argus: Container, aws: EmbeddedAws, workers: Workers, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    aws.client("s3").put_object(Bucket=argus.settings.media_bucket, Key=key, Body=b"x")
    workers.work()
    assert "key was not issued" in caplog.text
    assert not workers.dead(workers.outputs.uploads_dead_queue_url)


def test_a_deleted_image_loses_its_original_and_products(
    owner: Person, workers: Workers, aws: EmbeddedAws, argus: Container, scene: tuple[bytes, Truth]
) -> None:
    image_id = uploaded(owner, workers, scene[0])["id"]
    prefix = f"{owner.organisation_id}/images/{image_id}/"
    assert _keys(aws, argus, prefix)
    assert owner.delete(f"/images/{image_id}").status_code == 204
    assert owner.get(f"/images/{image_id}").status_code == 404
    assert owner.delete(f"/images/{image_id}").status_code == 404
    assert _keys(aws, argus, prefix) == []


def test_a_delete_with_an_outdated_etag_is_refused(owner: Person, workers: Workers, scene: tuple[bytes, Truth]) -> None:
    item = announce(owner, scene[0])
    outdated = owner.get(f"/images/{item['image_id']}").headers["ETag"]
    send(item, scene[0])
    workers.work()
    refused = owner.delete(f"/images/{item['image_id']}", headers={"If-Match": outdated})
    assert (refused.status_code, refused.get_json()["code"]) == (412, "precondition_failed")
    current = owner.get(f"/images/{item['image_id']}").headers["ETag"]
    assert owner.delete(f"/images/{item['image_id']}", headers={"If-Match": current}).status_code == 204


def test_a_delete_while_the_image_changes_is_refused_only_with_an_etag(
    owner: Person, argus: Container, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = ImageryStore.save

    def claimed_meanwhile(images: ImageryStore, image: Image) -> Image | None:
        monkeypatch.setattr(ImageryStore, "save", save)
        before = images.get(image.organisation_id, image.id)
        assert before is not None
        assert argus.imagery.background.claim(before, state=ImageState.PROCESSING) is not None
        return save(images, image)

    for with_etag, status in ((False, 204), (True, 412)):
        image_id = announce(owner, b"x")["image_id"]
        headers = {"If-Match": owner.get(f"/images/{image_id}").headers["ETag"]} if with_etag else {}
        monkeypatch.setattr(ImageryStore, "save", claimed_meanwhile)
        assert owner.delete(f"/images/{image_id}", headers=headers).status_code == status


def _run_before(argus: Container, monkeypatch: pytest.MonkeyPatch, method: str, before: Callable[[], object]) -> None:
    """Call a function just before the next call of a method that reads an object."""
    read = getattr(type(argus.objects), method)

    def run_and_read(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(type(argus.objects), method, read)
        before()
        return read(*arguments, **named)

    monkeypatch.setattr(type(argus.objects), method, run_and_read)


@pytest.mark.parametrize("deleted", (False, True), ids=["lost", "deleted"])
def test_a_missing_object_is_reported_without_its_key(
    owner: Person,
    workers: Workers,
    argus: Container,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
    deleted: bool,
) -> None:
    def delete(image_id: str) -> Callable[[], object]:
        prefix = f"{owner.organisation_id}/images/{image_id}/"
        return lambda: owner.delete(f"/images/{image_id}") if deleted else argus.objects.delete_under(prefix)

    first, second = (uploaded(owner, workers, scene[0])["id"] for _ in range(2))
    _run_before(argus, monkeypatch, "get_range", delete(first))
    response = owner.get(f"/images/{first}/temperature?x=1&y=1")
    assert (response.status_code, response.get_json()["code"]) == (
        (404, "no_such_image") if deleted else (503, "no_such_object")
    )
    body = {"target": {"kind": "image", "id": second}, "plugins": [{"id": "thermal_hotspots"}]}
    scan = owner.post("/scans", body).get_json()["id"]
    _run_before(argus, monkeypatch, "get", delete(second))
    workers.work()
    (step,) = owner.get(f"/scans/{scan}").get_json()["steps"]
    assert step["reason"] == (
        f"Your organisation has no image {second}."
        if deleted
        else "A file that Argus stored is missing. Report this to the operators."
    )
    assert owner.organisation_id not in response.get_data(as_text=True)


def test_the_sweep_completes_an_interrupted_deletion(
    owner: Person,
    workers: Workers,
    aws: EmbeddedAws,
    argus: Container,
    clock: MovableClock,
    tick: Callable[[], object],
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image_id = uploaded(owner, workers, scene[0])["id"]
    with monkeypatch.context() as broken:
        broken.setattr(type(argus.objects), "delete_under", crash)
        assert owner.delete(f"/images/{image_id}").status_code == 500
    assert owner.get(f"/images/{image_id}").status_code == 404
    assert all(image["id"] != image_id for image in owner.get("/images").get_json()["items"])
    clock.move(minutes=10)
    tick()
    assert _keys(aws, argus, f"{owner.organisation_id}/images/{image_id}/") == []


def test_a_deletion_that_s3_refuses_in_part_is_retried(
    owner: Person,
    workers: Workers,
    aws: EmbeddedAws,
    argus: Container,
    clock: MovableClock,
    tick: Callable[[], object],
    scene: tuple[bytes, Truth],
) -> None:
    image_id = uploaded(owner, workers, scene[0])["id"]
    prefix = f"{owner.organisation_id}/images/{image_id}/"
    with _undeletable(argus, f"{image_id}/original"):
        refused = owner.delete(f"/images/{image_id}")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "not_deleted")
    assert owner.get(f"/images/{image_id}").status_code == 404
    assert owner.delete(f"/images/{image_id}").status_code == 404
    assert _keys(aws, argus, prefix) == [f"{prefix}original"]
    clock.move(minutes=10)
    tick()
    assert _keys(aws, argus, prefix) == []


def test_an_image_that_cannot_be_deleted_does_not_block_the_sweep(
    owner: Person,
    aws: EmbeddedAws,
    argus: Container,
    clock: MovableClock,
    tick: Callable[[], object],
) -> None:
    items = sorted((announce(owner, b"x") for _ in range(4)), key=lambda item: due_shard(item["image_id"]))
    prefixes = [f"{owner.organisation_id}/images/{item['image_id']}/" for item in items]
    with _undeletable(argus, owner.organisation_id):
        for item in items:  # in the order of the sweep
            send(item, b"x")
            assert owner.delete(f"/images/{item['image_id']}").get_json()["code"] == "not_deleted"
    clock.move(minutes=10)
    with _undeletable(argus, prefixes[0]):
        with pytest.raises(scheduler.SweepsFailed, match=r"images\.sweep"):
            tick()
        assert [len(_keys(aws, argus, prefix)) for prefix in prefixes] == [1, 0, 0, 0]
        tick()  # postponed
    clock.move(minutes=5)
    tick()
    assert _keys(aws, argus, prefixes[0]) == []


def test_an_image_deleted_during_processing_leaves_no_objects(
    owner: Person,
    workers: Workers,
    aws: EmbeddedAws,
    argus: Container,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = announce(owner, scene[0])
    create = processing.create_products

    def deleted_meanwhile(*arguments: Any) -> Any:
        assert owner.delete(f"/images/{item['image_id']}").status_code == 204
        return create(*arguments)

    monkeypatch.setattr(processing, "create_products", deleted_meanwhile)
    send(item, scene[0])
    workers.work()
    assert _keys(aws, argus, f"{owner.organisation_id}/images/{item['image_id']}/") == []


def test_remaining_objects_of_a_deleted_image_are_deleted_at_redelivery(
    owner: Person,
    aws: EmbeddedAws,
    argus: Container,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = announce(owner, scene[0])
    prefix = f"{owner.organisation_id}/images/{item['image_id']}/"
    create = processing.create_products

    def deleted_meanwhile(*arguments: Any) -> Any:
        assert owner.delete(f"/images/{item['image_id']}").status_code == 204
        return create(*arguments)

    monkeypatch.setattr(processing, "create_products", deleted_meanwhile)
    send(item, scene[0])
    version = argus.objects.latest_version(f"{prefix}original").version_id
    event = {"key": f"{prefix}original", "object_version": version, "size_bytes": len(scene[0])}
    with _undeletable(argus, f"{prefix}products/"), pytest.raises(NotDeleted):
        argus.imagery.arrived(**event)
    assert _keys(aws, argus, prefix)
    argus.imagery.arrived(**event)
    assert _keys(aws, argus, prefix) == []


def test_images_are_listed_newest_first_in_pages(new_owner: Callable[[], Person]) -> None:
    owner = new_owner()
    created = [announce(owner, b"x")["image_id"] for _ in range(5)]
    listed: list[str] = []
    url = "/images?limit=2"
    while url:
        response = owner.get(url)
        listed += [image["id"] for image in response.get_json()["items"]]
        cursor = response.get_json()["next_cursor"]
        url = response.headers["Link"].split(">")[0].strip("<") if cursor else ""
    assert listed == created[::-1]


def test_images_are_listed_by_state(
    new_owner: Callable[[], Person], workers: Workers, scene: tuple[bytes, Truth]
) -> None:
    owner = new_owner()
    ready = uploaded(owner, workers, scene[0])["id"]
    for _ in range(3):
        announce(owner, b"x")
    assert [image["id"] for image in owner.get("/images?state=ready&limit=1").get_json()["items"]] == [ready]
    assert owner.get("/images?state=nonsense").status_code == 422


# ---------------------------------------------------------------- DJI


def test_a_dji_image_has_its_accuracy_settings_and_flight(owner: Person, workers: Workers) -> None:
    image = uploaded(owner, workers, dji_scene()[0])
    assert (image["state"], image["format"]) == ("ready", "dji_rjpeg")
    assert image["accuracy"] == {"kind": "exact", "error_c": 0.3}
    assert image["parameters"] == {
        "emissivity": 0.95,
        "distance_metres": 20.0,
        "reflected_celsius": 12.0,
        "atmospheric_celsius": 18.0,
        "relative_humidity": 0.55,
        "window_celsius": None,
        "window_transmission": None,
        "distance_source": "file",
    }
    assert image["flight"] == {
        "gimbal": {"yaw": 94.9, "pitch": -89.9, "roll": 0.0},
        "aircraft": {"yaw": 93.1, "pitch": -6.2, "roll": 1.4},
        "altitude_above_takeoff_metres": 32.0,
        "altitude_metres": 412.5,
        "laser": {
            "distance_metres": 21.5,
            "latitude": 64.03701,
            "longitude": -21.40098,
            "altitude_metres": 380.25,
        },
        "rtk": {
            "flag": 50,
            "latitude_error_metres": 0.011,
            "longitude_error_metres": 0.012,
            "altitude_error_metres": 0.023,
        },
    }
    assert (image["taken_at"], image["taken_at_local"]) == ("2025-05-14T06:20:00.125Z", None)


def test_a_time_without_a_zone_is_shown_as_the_cameras(owner: Person, workers: Workers) -> None:
    image = uploaded(owner, workers, dji_scene(xmp={}, has_table=False, setting=Setting(distance=5))[0])
    assert (image["taken_at"], image["taken_at_local"]) == (None, "2025-05-14T06:20:00")
    assert (image["flight"], image["position"]) == (None, None)
    assert image["accuracy"]["kind"] == "approximate"


@pytest.mark.parametrize("where", ["file", "batch"])
def test_the_lasers_distance_can_be_asked_for(owner: Person, workers: Workers, where: str) -> None:
    data, truth = dji_scene(laser_metres=21.5, setting=Setting(distance=2))
    wanted = {"laser_distance": True}
    file = {"name": "frame.jpg", "size": len(data), "content_type": "image/jpeg", **(wanted if where == "file" else {})}
    body = {"files": [file], **(wanted if where == "batch" else {})}
    (item,) = owner.post("/uploads", body).get_json()["items"]
    send(item, data)
    workers.work()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["parameters"]["distance_metres"], image["parameters"]["distance_source"]) == (21.5, "laser")
    assert image["stats"]["max_c"] == pytest.approx(float(truth.celsius.max()), abs=0.2)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_only_true_and_false_ask_for_the_lasers_distance(owner: Person, value: object) -> None:
    file = {"name": "frame.jpg", "size": 10, "content_type": "image/jpeg", "laser_distance": value}
    response = owner.post("/uploads", {"files": [file]})
    assert response.status_code == 422
    assert list(at_pointers(response)) == ["#/files/0/laser_distance"]


def test_an_external_decoder_converts_what_argus_refuses(
    owner: Person, workers: Workers, argus: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, _ = dji_scene(model="ZH20T", header=b"\xaa\x55\x12\x06")
    assert uploaded(owner, workers, data)["code"] == "unsupported"
    program = tmp_path / "decoder.py"
    program.write_text(FAKE, encoding="utf-8")
    line = f"{sys.executable} {program} {{input}} {{output}} 640 512"
    with_decoder = Container(Settings.from_env({"ARGUS_STAGE": "test", "ARGUS_DJI_DECODER": line}))
    decoder = ExternalDecoder.of(with_decoder.settings.of(ImagerySettings).dji_decoder)
    monkeypatch.setitem(argus.__dict__, "imagery", replace(argus.imagery, dji_decoder=decoder))
    image = uploaded(owner, workers, data)
    assert (image["state"], image["accuracy"]) == ("ready", {"kind": "exact", "error_c": None})
    assert image["stats"]["max_c"] == pytest.approx(511.64, abs=0.01)


def test_a_decoder_that_cannot_work_is_refused_at_start() -> None:
    with pytest.raises(BadSetting, match="ARGUS_DJI_DECODER is invalid: 'decoder' must be the absolute path"):
        Container(Settings.from_env({"ARGUS_STAGE": "test", "ARGUS_DJI_DECODER": "decoder {input} {output}"}))
