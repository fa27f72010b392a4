"""Uploads as by a browser: request a form, send it, run the workers."""

from typing import Any

import requests

from tests.conftest import Person, Workers


def announce(person: Person, data: bytes, **fields: Any) -> dict[str, Any]:
    """Request the upload of one file."""
    file = {"name": "frame.jpg", "size": len(data), "content_type": "image/jpeg", **fields}
    response = person.post("/uploads", {"files": [file]})
    assert response.status_code == 201, response.get_json()
    (item,) = response.get_json()["items"]
    return dict(item)


def send(item: dict[str, Any], data: bytes) -> None:
    """Send the bytes with the form."""
    upload = item["upload"]
    response = requests.request(
        upload["method"], upload["url"], data=upload["fields"], files={"file": ("x", data)}, timeout=10
    )
    assert response.status_code == 204, response.text


def uploaded(person: Person, workers: Workers, data: bytes, **fields: Any) -> dict[str, Any]:
    """The image of an upload after it was processed."""
    item = announce(person, data, **fields)
    send(item, data)
    workers.work()
    return dict(person.get(f"/images/{item['image_id']}").get_json())


def crash(*_: Any, **__: Any) -> Any:
    """A replacement for a function that is to fail."""
    raise RuntimeError("it crashed")
