"""Clients receive the events of their own organisation, and no others."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from argus.container import Container
from argus.core.caller import Caller
from argus.core.clock import from_rfc3339
from argus.identity.model import Role
from argus.imagery import processing
from argus.notify.model import CONNECT_SECONDS, MAX_AGE, Change, Connection
from argus.notify.service import MAX_CONNECTIONS, MAX_CONNECTIONS_PER_USER, NotificationsNotAllowed, TooManyConnections
from services.local.demo.scenes import flir_scene
from services.local.sockets import Sockets
from tests.conftest import MovableClock, Person, Workers
from tests.imagery.uploads import announce, crash, send
from tests.notify.listening import Listener

At = Callable[[Person], Person]
Connect = Callable[[Person], Listener]


def caller_of(live: Container, person: Person) -> Caller:
    return live.identity.authenticate(person.headers["Authorization"].removeprefix("Bearer "))


def connections(live: Container, person: Person) -> list[Connection]:
    return list(live.notify.store.of(person.organisation_id))


def change(live: Container, person: Person, **about: Any) -> None:
    live.notify.announce(person.organisation_id, Change("image", "img_1", "ready", **about))


# ---------------------------------------------------------------- events


def test_only_the_organisation_receives_events_of_an_upload_a_scan_and_a_report(
    at: At, connect: Connect, owner: Person, viewer: Person, stranger: Person, workers: Workers
) -> None:
    listener, colleague, foreigner = connect(owner), connect(viewer), connect(stranger)
    person = at(owner)
    data, _ = flir_scene(seed=9, width=160, height=120, leaks=2)
    item = announce(person, data)
    send(item, data)
    workers.work()
    images = listener.receive_until(type="image.changed", state="ready")
    assert [(image["id"], image["state"]) for image in images] == [
        (item["image_id"], "processing"),
        (item["image_id"], "ready"),
    ]
    assert from_rfc3339(images[0]["at"])
    body = {"target": {"kind": "image", "id": item["image_id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    scan = person.post("/scans", body).get_json()["id"]
    workers.work()
    events = listener.receive_until(type="scan.changed", state="succeeded")
    assert {event["id"] for event in events} == {scan}
    steps = [(event["state"], event["progress"]) for event in events]
    assert (steps[0], steps[-1]) == (("running", 0), ("succeeded", 100))
    assert len(set(steps)) == len(steps)  # a slow machine reports progress more often, but never the same twice
    report = person.post("/reports", {"scan_id": scan, "format": "json"}).get_json()["id"]
    workers.work()
    (last,) = listener.receive_until(type="report.changed")
    assert last == {"type": "report.changed", "id": report, "state": "ready", "at": last["at"]}
    assert colleague.receive_until(type="report.changed") == [*images, *events, last]
    assert foreigner.has_received_nothing()


def test_a_rejected_image_and_a_cancelled_scan_are_events(
    at: At, connect: Connect, owner: Person, workers: Workers
) -> None:
    listener, person = connect(owner), at(owner)
    item = announce(person, b"no image at all")
    send(item, b"no image at all")
    workers.work()
    assert listener.receive_until(type="image.changed", state="rejected")[-1]["id"] == item["image_id"]
    data, _ = flir_scene(seed=9, width=160, height=120, leaks=2)
    item = announce(person, data)
    send(item, data)
    workers.work()
    body = {"target": {"kind": "image", "id": item["image_id"]}, "plugins": [{"id": "thermal_hotspots"}]}
    person.post(f"/scans/{person.post('/scans', body).get_json()['id']}/cancel")
    workers.work()
    assert listener.receive_until(type="scan.changed")[-1]["state"] == "cancelled"


def test_a_dead_letter_is_an_event(
    at: At, connect: Connect, owner: Person, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, person = connect(owner), at(owner)

    monkeypatch.setattr(processing, "decode_file", crash)
    item = announce(person, b"x")
    send(item, b"x")
    workers.work_until_dead(workers.outputs.uploads_dead_queue_url, item["image_id"])
    workers.work()
    assert listener.receive_until(type="image.changed", state="rejected")[-1]["id"] == item["image_id"]


def test_an_expired_upload_is_an_event_of_the_sweep(
    live: Container, at: At, connect: Connect, owner: Person, workers: Workers, clock: MovableClock
) -> None:
    item = announce(at(owner), b"x")
    clock.move(hours=3)
    listener = connect(owner)
    live.imagery.sweep()
    workers.work()
    event = listener.receive()
    assert (event["id"], event["state"]) == (item["image_id"], "rejected")


def test_without_a_socket_no_job_is_sent(argus: Container, owner: Person, workers: Workers) -> None:
    argus.notify.announce(owner.organisation_id, Change("image", "img_1", "ready"))
    waiting = workers.sqs.receive_message(QueueUrl=workers.outputs.jobs_queue_url, WaitTimeSeconds=0)
    assert "Messages" not in waiting


def test_an_unavailable_queue_does_not_disturb_the_work(
    live: Container, owner: Person, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = replace(live.settings, aws_endpoint="http://127.0.0.1:9")
    with caplog.at_level(logging.WARNING, "argus.notify"):
        Container(nowhere).notify.announce(owner.organisation_id, Change("image", "img_1", "ready"))
    assert "not queued" in caplog.text


def test_an_event_delivered_twice_is_the_same_event(
    live: Container, connect: Connect, owner: Person, workers: Workers
) -> None:
    listener = connect(owner)
    event = {"type": "image.changed", "id": "img_1", "state": "ready", "at": "2026-05-14T06:00:00.000Z"}
    for _ in range(2):
        live.notify.deliver(owner.organisation_id, event)
    assert [listener.receive(), listener.receive()] == [event, event]


# ---------------------------------------------------------------- connections that are gone


def test_a_closed_connection_is_deleted(live: Container, connect: Connect, owner: Person) -> None:
    listener = connect(owner)
    (connection,) = connections(live, owner)
    listener.close()
    # The gateway reports it asynchronously; a repeated disconnect changes nothing.
    live.notify.disconnect(connection.id)
    live.notify.disconnect(connection.id)
    assert connections(live, owner) == []


def test_a_gone_connection_is_deleted_and_the_others_receive_the_event(
    live: Container, connect: Connect, owner: Person, workers: Workers, clock: MovableClock
) -> None:
    caller = caller_of(live, owner)
    live.notify.connect(caller, "gone=")
    clock.move(seconds=CONNECT_SECONDS.total_seconds() + 1)
    listener = connect(owner)
    change(live, owner)
    workers.work()
    assert listener.receive()["id"] == "img_1"
    assert "gone=" not in {connection.id for connection in connections(live, owner)}
    assert len(connections(live, owner)) == 1


def test_a_connection_during_its_handshake_is_not_deleted(live: Container, owner: Person, workers: Workers) -> None:
    live.notify.connect(caller_of(live, owner), "coming=")
    change(live, owner)
    workers.work()
    assert [connection.id for connection in connections(live, owner)] == ["coming="]


def test_an_unavailable_gateway_loses_the_event_but_does_not_fail_the_job(
    live: Container, owner: Person, workers: Workers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.worker import main as worker

    nowhere = Container(live.settings.changed(ARGUS_CONNECTIONS_ENDPOINT="http://127.0.0.1:9"))
    monkeypatch.setattr(worker, "container", lambda: nowhere)
    live.notify.connect(caller_of(live, owner), "some=")
    change(live, owner)
    with caplog.at_level(logging.WARNING, "argus.notify"):
        workers.work()
    assert "not delivered to every connection" in caplog.text
    assert workers.dead(workers.outputs.jobs_dead_queue_url) == []
    assert len(connections(live, owner)) == 1


def test_when_delivery_takes_too_long_the_remaining_connections_are_skipped(
    live: Container, connect: Connect, owner: Person, caplog: pytest.LogCaptureFixture
) -> None:
    listener = connect(owner)
    late = replace(live.notify, monotonic=iter([0.0, 11.0]).__next__)
    with caplog.at_level(logging.WARNING, "argus.notify"):
        late.deliver(owner.organisation_id, {"type": "image.changed"})
    assert "not delivered to every connection" in caplog.text
    assert listener.has_received_nothing()
    assert len(connections(live, owner)) == 1


def test_a_connection_older_than_two_hours_receives_nothing(
    live: Container, connect: Connect, owner: Person, clock: MovableClock
) -> None:
    listener = connect(owner)
    clock.move(seconds=MAX_AGE.total_seconds())
    live.notify.deliver(owner.organisation_id, {"type": "image.changed"})
    assert listener.has_received_nothing()


def test_a_connection_expires_in_dynamodb_after_two_hours(live: Container, owner: Person) -> None:
    live.notify.connect(caller_of(live, owner), "one=")
    (item,) = live.table("notify").query(f"{owner.organisation_id}#connections").items
    (connection,) = connections(live, owner)
    assert item["expires_at"] == int((connection.connected_at + timedelta(hours=2)).timestamp())


# ---------------------------------------------------------------- who may connect


def test_an_organisation_has_a_maximum_of_connections(
    live: Container, owner: Person, stranger: Person, clock: MovableClock
) -> None:
    caller = caller_of(live, owner)
    for number in range(MAX_CONNECTIONS - 1):  # stored directly, since each connect reads all others
        user_id = f"usr_{number % 10}"
        live.notify.store.add(Connection(f"{number}=", owner.organisation_id, user_id, clock(), caller.scopes))
    live.notify.connect(replace(caller, user_id="usr_9"), "the last=")
    with pytest.raises(TooManyConnections, match="Your organisation has 100 open connections"):
        live.notify.connect(caller, "one more=")
    live.notify.connect(replace(caller, user_id="usr_7"), "7=")  # a repeated $connect changes nothing
    live.notify.connect(caller_of(live, stranger), "another=")
    live.notify.disconnect("7=")
    live.notify.connect(caller, "one more=")
    clock.move(hours=2)
    live.notify.connect(caller, "the next day=")


def test_a_user_has_a_maximum_of_connections(live: Container, owner: Person, viewer: Person) -> None:
    caller = caller_of(live, viewer)
    for number in range(MAX_CONNECTIONS_PER_USER):
        live.notify.connect(caller, f"{number}=")
    with pytest.raises(TooManyConnections, match="You have 10 open connections"):
        live.notify.connect(caller, "one more=")
    live.notify.connect(caller, "7=")
    live.notify.connect(caller_of(live, owner), "another's=")
    live.notify.disconnect("7=")
    live.notify.connect(caller, "one more=")


def test_a_caller_without_a_scope_for_events_cannot_connect(live: Container, owner: Person) -> None:
    caller = replace(caller_of(live, owner), scopes=frozenset({"plugins:read"}))
    with pytest.raises(NotificationsNotAllowed, match="images:read"):
        live.notify.connect(caller, "one=")


def test_a_connection_receives_only_events_of_its_scopes(
    live: Container, connect: Connect, owner: Person, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = connect(owner)
    monkeypatch.setitem(live.role_scopes, Role.OWNER, frozenset({"profile:read", "scans:read"}))
    narrow = connect(owner)
    change(live, owner)
    live.notify.announce(owner.organisation_id, Change("scan", "scan_1", "running"))
    workers.work()
    assert [event["id"] for event in narrow.receive_until(type="scan.changed")] == ["scan_1"]
    assert {event["id"] for event in reader.receive_until(type="scan.changed")} == {"img_1", "scan_1"}


# ---------------------------------------------------------------- the local gateway


def test_the_management_api_posts_closes_and_reports_gone_connections(
    live: Container, connect: Connect, owner: Person, sockets: Sockets
) -> None:
    listener = connect(owner)
    (connection,) = connections(live, owner)
    gateway = live.notify.gateway()
    assert gateway.get_connection(ConnectionId=connection.id)["Identity"]["SourceIp"] == "127.0.0.1"
    gateway.post_to_connection(ConnectionId=connection.id, Data=json.dumps({"a": 1}).encode())
    assert listener.receive() == {"a": 1}
    gateway.delete_connection(ConnectionId=connection.id)
    with pytest.raises(ConnectionClosed):
        listener.receive()
    with pytest.raises(gateway.exceptions.GoneException):
        gateway.get_connection(ConnectionId="nobody=")
