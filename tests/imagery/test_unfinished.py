"""Unfinished images: when the upload, event, message or worker is lost, the image still reaches a final state."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests

from argus.container import Container
from argus.core import background
from argus.core.background import MAX_ATTEMPTS
from argus.core.dynamo import due_shards
from argus.core.presign import CredentialsExpired
from argus.imagery import processing
from argus.imagery.model import ImageState
from services.local.demo.scenes import Truth, flir_scene
from tests.conftest import MovableClock, Person, Workers
from tests.imagery.uploads import announce, crash, send, uploaded


@pytest.fixture(scope="module")
def owner(new_owner: Callable[[], Person]) -> Person:
    """Of every image in this module."""
    return new_owner()


@pytest.fixture(scope="module")
def scene() -> tuple[bytes, Truth]:
    return flir_scene(seed=1, width=160, height=120, leaks=2)


@pytest.fixture
def sweep(nothing_due: None, argus: Container) -> Callable[[], object]:
    """Runs only the sweep of images; a tick also runs those of all other capabilities."""
    return lambda: argus.imagery.sweep()


def _send_without_event(workers: Workers, item: Any, data: bytes) -> None:
    """Store the file, and lose its event."""
    send(item, data)
    workers.discard(item["image_id"], queue_url=workers.outputs.uploads_queue_url)


def _stored_without_event(owner: Person, workers: Workers, data: bytes, *, announced: bytes = b"") -> Any:
    item = announce(owner, announced or data)
    _send_without_event(workers, item, data)
    return item


def test_an_upload_that_never_arrives_is_rejected_after_its_time(
    owner: Person, workers: Workers, clock: MovableClock, tick: Callable[[], object]
) -> None:
    item = announce(owner, b"x" * 10)
    clock.move(minutes=3)
    tick()
    workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "awaiting_upload"
    clock.move(hours=3)
    tick()
    workers.work()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("rejected", "never_uploaded")


def test_an_event_after_the_time_for_the_upload_is_processed(
    owner: Person, workers: Workers, clock: MovableClock, sweep: Callable[[], object], scene: tuple[bytes, Truth]
) -> None:
    item = announce(owner, scene[0])
    clock.move(hours=3)
    sweep()
    workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "rejected"
    send(item, scene[0])
    workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "ready"


def test_an_upload_whose_event_was_lost_is_found_within_minutes(
    owner: Person, workers: Workers, clock: MovableClock, tick: Callable[[], object], scene: tuple[bytes, Truth]
) -> None:
    item = _stored_without_event(owner, workers, scene[0])
    clock.move(minutes=3)
    tick()
    workers.work()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("ready", None)
    assert requests.get(image["links"]["original"]["url"], timeout=100).content == scene[0]


def test_a_late_upload_whose_event_was_lost_is_found_within_minutes(
    owner: Person, workers: Workers, clock: MovableClock, sweep: Callable[[], object], scene: tuple[bytes, Truth]
) -> None:
    item = announce(owner, scene[0])
    for _ in range(10):
        clock.move(minutes=10)
        sweep()
        workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "awaiting_upload"
    _send_without_event(workers, item, scene[0])
    clock.move(minutes=10)
    sweep()
    workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "ready"


def test_an_upload_whose_message_is_dead_lettered_is_processed_within_minutes(
    owner: Person, workers: Workers, clock: MovableClock, sweep: Callable[[], object], scene: tuple[bytes, Truth]
) -> None:
    """Workers are killed at each receive of the batch, before they process this file."""
    item = announce(owner, scene[0])
    send(item, scene[0])
    killed = replace(workers, pollers=[replace(poller, handler=_killed) for poller in workers.pollers])
    killed.work_until_dead(workers.outputs.uploads_dead_queue_url, item["image_id"])
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "awaiting_upload"
    clock.move(minutes=3)
    sweep()
    workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "ready"


def _killed(*_: Any) -> Any:
    raise RuntimeError("killed")


def test_an_upload_that_fails_before_any_attempt_is_rejected(
    owner: Person,
    workers: Workers,
    argus: Container,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = announce(owner, scene[0])
    send(item, scene[0])
    monkeypatch.setattr(type(argus.imagery.background), "claim", crash)
    workers.work_until_dead(workers.outputs.uploads_dead_queue_url, item["image_id"])
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("rejected", "processing_failed")
    assert image["reason"] == "Processing could not start; the operators have been alerted."


def test_a_failing_check_rejects_nothing_while_the_file_may_arrive(
    owner: Person,
    workers: Workers,
    argus: Container,
    clock: MovableClock,
    sweep: Callable[[], object],
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = announce(owner, scene[0])
    clock.move(minutes=3)
    sweep()
    with monkeypatch.context() as broken:
        broken.setattr(type(argus.objects), "latest_version", crash)
        workers.work_until_dead(workers.outputs.jobs_dead_queue_url, item["image_id"])
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "awaiting_upload"
    send(item, scene[0])
    workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "ready"


def test_an_upload_whose_checks_are_all_lost_is_rejected_long_after_its_time(
    owner: Person, workers: Workers, clock: MovableClock, sweep: Callable[[], object]
) -> None:
    item = announce(owner, b"x")
    for _ in range(17):
        clock.move(minutes=10)
        sweep()
        workers.discard(item["image_id"])
        assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "awaiting_upload"
    clock.move(minutes=10)
    sweep()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("rejected", "processing_failed")


def test_an_upload_whose_event_was_lost_is_checked_like_any_other(
    owner: Person, workers: Workers, clock: MovableClock, sweep: Callable[[], object], scene: tuple[bytes, Truth]
) -> None:
    item = _stored_without_event(owner, workers, scene[0], announced=scene[0][:-1])
    clock.move(hours=3)
    sweep()
    workers.work()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("rejected", "wrong_size")


def test_an_upload_that_cannot_be_checked_is_rejected_after_the_last_attempt(
    owner: Person,
    workers: Workers,
    argus: Container,
    clock: MovableClock,
    sweep: Callable[[], object],
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = announce(owner, scene[0])
    monkeypatch.setattr(type(argus.objects), "latest_version", crash)
    clock.move(hours=3)
    for _ in range(MAX_ATTEMPTS):
        sweep()
        workers.work_until_dead(workers.outputs.jobs_dead_queue_url, item["image_id"])
        assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "awaiting_upload"
        clock.move(minutes=10)
    sweep()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("rejected", "processing_failed")


def test_a_check_of_a_processed_upload_changes_nothing(
    owner: Person, workers: Workers, argus: Container, scene: tuple[bytes, Truth]
) -> None:
    before = uploaded(owner, workers, scene[0])
    argus.imagery.check_upload(f"{owner.organisation_id}/images/{before['id']}/original")
    argus.imagery.check_upload("not/a/key")
    assert owner.get(f"/images/{before['id']}").get_json()["version"] == before["version"]


def test_a_file_that_crashes_the_decoder_is_rejected_and_its_message_dead_lettered(
    owner: Person,
    workers: Workers,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attempts: list[None] = []

    def crash_counted(*_: Any, **__: Any) -> Any:
        attempts.append(None)
        raise RuntimeError("the decoder crashed")

    monkeypatch.setattr(processing, "decode_file", crash_counted)
    item = announce(owner, scene[0])
    send(item, scene[0])
    dead = workers.work_until_dead(workers.outputs.uploads_dead_queue_url, item["image_id"])
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("rejected", "processing_failed")
    assert (item["image_id"] in dead["Body"], len(attempts)) == (True, MAX_ATTEMPTS)


def test_a_file_that_kills_its_workers_is_processed_three_times(
    owner: Person,
    workers: Workers,
    argus: Container,
    clock: MovableClock,
    sweep: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each message that came back after the image was given up started three more attempts, without end."""
    attempts: list[None] = []

    def kill(*_: Any, **__: Any) -> Any:
        attempts.append(None)
        raise RuntimeError("killed")

    monkeypatch.setattr(processing, "decode_file", kill)
    monkeypatch.setattr(type(argus.imagery.background), "release", lambda *_: None)  # a killed worker releases nothing
    item = announce(owner, b"x")
    send(item, b"x")
    for _ in range(3):
        for _ in range(MAX_ATTEMPTS):  # the lease is shorter than the visibility timeout: the sweep is first
            workers.work()
            clock.move(minutes=6)
            sweep()
        workers.sqs.redeliver()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"], len(attempts)) == ("rejected", "processing_failed", MAX_ATTEMPTS)


def test_a_redelivered_dead_letter_is_processed(
    owner: Person,
    workers: Workers,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The operators have fixed the cause, and move the message back to its queue."""
    item = announce(owner, scene[0])
    send(item, scene[0])
    with monkeypatch.context() as broken:
        broken.setattr(processing, "decode_file", crash)
        dead = workers.work_until_dead(workers.outputs.uploads_dead_queue_url, item["image_id"])
    assert owner.get(f"/images/{item['image_id']}").get_json()["code"] == "processing_failed"
    workers.sqs.send_message(QueueUrl=workers.outputs.uploads_queue_url, MessageBody=dead["Body"])
    workers.work()
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"], image["reason"]) == ("ready", None, None)


def test_an_upload_that_cannot_be_signed_is_not_stored(
    new_owner: Callable[[], Person], argus: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = new_owner()

    def expired(*_: Any, **__: Any) -> Any:
        raise CredentialsExpired

    monkeypatch.setattr(type(argus.links), "post", expired)
    files = [{"name": "a.jpg", "size": 1, "content_type": "image/jpeg"}]
    assert owner.post("/uploads", {"files": files}).status_code == 503
    assert owner.get("/images").get_json()["items"] == []


def test_after_a_crash_the_sweep_sends_the_job_again_only_after_two_leases(
    owner: Person,
    workers: Workers,
    argus: Container,
    clock: MovableClock,
    sweep: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processing, "decode_file", crash)
    item = announce(owner, b"x")
    send(item, b"x")
    key = f"{owner.organisation_id}/images/{item['image_id']}/original"
    with pytest.raises(RuntimeError):
        argus.imagery.arrived(key, size_bytes=1)
    clock.move(seconds=2 * argus.imagery.background.lease.total_seconds() - 30)
    sweep()
    assert _sent(workers, "image.arrived", item["image_id"]) == []
    clock.move(minutes=1)
    sweep()
    assert len(_sent(workers, "image.arrived", item["image_id"])) == 1


def test_an_image_whose_worker_stops_is_processed_after_its_lease(
    owner: Person,
    workers: Workers,
    argus: Container,
    clock: MovableClock,
    sweep: Callable[[], object],
    scene: tuple[bytes, Truth],
) -> None:
    item = announce(owner, scene[0])
    image = argus.imagery.store.get(owner.organisation_id, item["image_id"])
    assert image is not None
    assert argus.imagery.background.claim(image, state=ImageState.PROCESSING) is not None
    send(item, scene[0])
    workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "processing"
    clock.move(minutes=10)
    sweep()
    workers.work()
    assert owner.get(f"/images/{item['image_id']}").get_json()["state"] == "ready"


def _sent(workers: Workers, job: str, image_id: str) -> list[str]:
    """Receive every message from the queue of jobs; returns those of this job that contain the id."""
    url, bodies = workers.outputs.jobs_queue_url, []
    while messages := workers.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages"):
        for message in messages:
            workers.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
    return [body for body in bodies if f'"{job}"' in body and image_id in body]


def test_the_sweep_sends_a_job_again_after_a_wait(
    owner: Person, workers: Workers, argus: Container, clock: MovableClock, sweep: Callable[[], object]
) -> None:
    vanished, late = announce(owner, b"x")["image_id"], announce(owner, b"x")["image_id"]
    image = argus.imagery.store.get(owner.organisation_id, vanished)
    assert image is not None
    assert argus.imagery.background.claim(image, state=ImageState.PROCESSING) is not None
    clock.move(hours=3)
    for expected in (1, 0, 0):
        sweep()
        assert len(_sent(workers, "image.arrived", vanished)) == expected
    clock.move(minutes=5)
    sweep()
    sweep()
    assert len(_sent(workers, "image.check", late)) == 1


def test_of_two_concurrent_sweeps_one_sends(
    owner: Person,
    workers: Workers,
    argus: Container,
    clock: MovableClock,
    sweep: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = announce(owner, b"x")["image_id"]
    clock.move(hours=3)
    read_by_both = [due for shard in due_shards() for due in argus.imagery.store.due(shard, clock())]
    monkeypatch.setattr(type(argus.imagery.store), "due", lambda *_: iter(read_by_both))
    sweep()
    sweep()
    assert len(_sent(workers, "image.check", late)) == 1


def test_a_sweep_reads_every_page_of_due_items(
    owner: Person,
    workers: Workers,
    clock: MovableClock,
    sweep: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "PAGE", 1)
    files = [{"name": "a.jpg", "size": 1, "content_type": "image/jpeg"}] * 17  # at least one of eight shards has three
    uploads = owner.post("/uploads", {"files": files}).get_json()["items"]
    clock.move(hours=3)
    sweep()
    workers.work()
    states = {owner.get(f"/images/{item['image_id']}").get_json()["code"] for item in uploads}
    assert states == {"never_uploaded"}


def test_a_sweep_limits_the_items_per_shard(
    owner: Person,
    workers: Workers,
    clock: MovableClock,
    sweep: Callable[[], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "PAGE", 1)
    monkeypatch.setattr(background, "MAX_PER_SHARD", 1)
    owner.post("/uploads", {"files": [{"name": "a.jpg", "size": 1, "content_type": "image/jpeg"}] * 40})
    clock.move(hours=3)
    sweep()
    assert len(_sent(workers, "image.check", "")) <= len(due_shards())


def test_a_dead_lettered_message_does_not_reject_an_image_that_another_worker_holds(
    owner: Person,
    workers: Workers,
    argus: Container,
    clock: MovableClock,
    scene: tuple[bytes, Truth],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = announce(owner, scene[0])
    send(item, scene[0])
    create = processing.create_products
    key = f"{owner.organisation_id}/images/{item['image_id']}/original"

    def second_message_dies(*arguments: Any) -> Any:
        with monkeypatch.context() as broken:
            broken.setattr(type(argus.imagery.background), "claim", crash)
            argus.jobs.send("image.arrived", {"key": key, "size_bytes": len(scene[0])})
            workers.work_until_dead(workers.outputs.jobs_dead_queue_url, item["image_id"])
        return create(*arguments)

    monkeypatch.setattr(processing, "create_products", second_message_dies)
    version = argus.objects.latest_version(key).version_id
    argus.imagery.arrived(key, object_version=version, size_bytes=len(scene[0]))
    image = owner.get(f"/images/{item['image_id']}").get_json()
    assert (image["state"], image["code"]) == ("ready", None)
