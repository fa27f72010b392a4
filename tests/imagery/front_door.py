"""Uploading as a browser does: ask for a form, send it, let the workers work."""

from typing import Any

import requests

from tests.conftest import Person, Workers


def announce(person: Person, data: bytes, **fields: Any) -> dict[str, Any]:
    """Ask for a place for one file."""
    file = {"name": "frame.jpg", "size": len(data), "content_type": "image/jpeg", **fields}
    answer = person.post("/uploads", {"files": [file]})
    assert answer.status_code == 201, answer.get_json()
    (item,) = answer.get_json()["items"]
    return dict(item)


def send(item: dict[str, Any], data: bytes) -> None:
    """Send the bytes where the form says."""
    upload = item["upload"]
    answer = requests.request(
        upload["method"], upload["url"], data=upload["fields"], files={"file": ("x", data)}, timeout=10
    )
    assert answer.status_code == 204, answer.text


def uploaded(person: Person, workers: Workers, data: bytes, **fields: Any) -> dict[str, Any]:
    """An image after its upload was processed."""
    item = announce(person, data, **fields)
    send(item, data)
    workers.work()
    return dict(person.get(f"/images/{item['image_id']}").get_json())


def crash(*_: Any, **__: Any) -> Any:
    """What a test puts in the place of something that is to fail."""
    raise RuntimeError("it crashed")
