"""The life of a toy; `tests/journeys/test_toy.py` runs it in its copy of the sources."""

from collections.abc import Callable
from typing import Any

import requests

from tests.conftest import MovableClock, Person, Workers


def scanned(owner: Person, workers: Workers, toy_id: str) -> list[str]:
    """The location keys of a scan of a toy, after its report contains the same findings."""
    body = {"target": {"kind": "toy", "id": toy_id}, "plugins": [{"id": "slack_springs"}]}
    scan = owner.post("/scans", body).get_json()
    workers.work()
    assert owner.get(scan["target"]["link"]).get_json()["id"] == toy_id
    report = owner.post("/reports", {"scan_id": scan["id"], "format": "json"}).get_json()
    workers.work()
    document = requests.get(owner.get(f"/reports/{report['id']}").get_json()["link"]["url"], timeout=100).json()
    assert (document["target"]["name"], document["target"]["facts"]["Turns"]) == ("Tin mouse", 12)
    found = owner.get(f"/findings?target=toy:{toy_id}").get_json()["items"]
    assert [each["fingerprint"] for each in found] == [each["fingerprint"] for each in document["findings"]]
    return [each["location_key"] for each in found]


def test_target_kinds_are_listed_and_invalid_targets_rejected(owner: Person) -> None:
    kinds = {each["kind"]: each["about"] for each in owner.get("/target-kinds").get_json()["items"]}
    assert kinds["toy"] == "A toy"
    wrong = {"target": {"kind": "toy", "value": "Tin mouse"}, "plugins": [{"id": "slack_springs"}]}
    assert owner.post("/scans", wrong).get_json()["code"] == "wrong_target_field"
    missing = {"target": {"kind": "toy", "id": "toy_0"}, "plugins": [{"id": "slack_springs"}]}
    assert owner.post("/scans", missing).get_json()["code"] == "not_toy_id"


def test_a_toy_is_created_processed_and_scanned(
    owner: Person, workers: Workers, clock: MovableClock, tick: Callable[[], Any]
) -> None:
    toy = owner.post("/toys", {"name": "Tin mouse"}).get_json()
    workers.discard(toy["id"])
    clock.move(minutes=3)
    assert tick()["outcomes"]["toys.sweep"] == "done"
    workers.work()
    wound = owner.get(f"/toys/{toy['id']}").get_json()
    assert (wound["state"], wound["turns"]) == ("wound", 12)
    assert scanned(owner, workers, toy["id"]) == ["spring"]
    assert owner.get("/toys/toy_0").get_json()["code"] == "no_such_toy"
