"""Pictures in every palette, by the links of an image: without credentials, stored on the first request."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from PIL import Image as Picture
from werkzeug.test import TestResponse, run_wsgi_app
from zappa.wsgi import create_wsgi_request

from argus.container import Container
from argus.imagery.colour_bar import colour_bar
from argus.imagery.model import PictureKind
from argus.imagery.palettes import PALETTES, table
from argus.imagery.png import colour_bar_in, with_palette
from infra.embedded.aws import EmbeddedAws
from services.local import events
from services.local.demo.scenes import flir_scene, tiff16
from services.local.events import CUSTOM_DOMAIN, EXECUTE_API
from tests.conftest import MovableClock, Person, Workers
from tests.imagery.uploads import uploaded

OTHERS = PALETTES[1:]


@pytest.fixture(scope="module")
def owner(new_owner: Callable[[], Person]) -> Person:
    """Of every image in this module."""
    return new_owner()


@pytest.fixture(scope="module")
def scene() -> bytes:
    """A scene with pixels without a temperature."""
    counts = (np.arange(160 * 120, dtype=np.uint16).reshape(120, 160) % 5000) + 29000
    counts[40:60, 20:50] = 0
    return tiff16(counts, scale=0.01, offset=-273.15, unit="C", nodata="0")


@pytest.fixture
def image(owner: Person, workers: Workers, scene: bytes) -> dict[str, Any]:
    image = uploaded(owner, workers, scene, name="a.tif", content_type="image/tiff")
    assert image["state"] == "ready", image
    return image


@pytest.fixture
def puts(argus: Container) -> Iterator[list[str]]:
    """The keys of the objects that Argus stores during the test, after the image."""
    keys: list[str] = []

    def record(params: dict[str, Any], **_: Any) -> None:
        keys.append(params["Key"].partition("/products/")[2])

    hooks = argus.aws.client("s3").meta.events
    hooks.register("provide-client-params.s3.PutObject", record)
    yield keys
    hooks.unregister("provide-client-params.s3.PutObject", record)


def followed(anonymous: Person, link: dict[str, str]) -> bytes:
    """The file of a link to the API, as an anonymous browser gets it."""
    response = anonymous.http.get(link["url"])
    assert response.status_code == 302, response.text
    stored = requests.get(response.headers["Location"], timeout=100)
    assert (stored.status_code, stored.headers["Content-Type"]) == (200, "image/png")
    return stored.content


def rgba(data: bytes) -> NDArray[np.uint8]:
    with Picture.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGBA"))


def refusal(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


def changed(url: str, old: str, new: str) -> str:
    """The URL with another payload in its token, under the same signature."""
    (token,) = parse_qs(urlsplit(url).query)["token"]
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert old.encode() in raw
    return url.replace(token, base64.urlsafe_b64encode(raw.replace(old.encode(), new.encode())).decode().rstrip("="))


def test_the_worker_stores_one_preview_that_contains_its_colour_bar(
    owner: Person, workers: Workers, puts: list[str], scene: bytes
) -> None:
    image = uploaded(owner, workers, scene, name="a.tif", content_type="image/tiff")
    assert sorted(puts) == ["preview/iron.png", "temperature.tif"]
    preview = requests.get(image["links"]["previews"]["iron"]["url"], timeout=100).content
    ends = image["palette_range"]
    assert colour_bar_in(preview) == colour_bar("iron", low=ends["low_celsius"], high=ends["high_celsius"])


def test_every_link_leads_to_the_picture_in_its_palette(
    owner: Person, anonymous: Person, image: dict[str, Any], puts: list[str]
) -> None:
    links, ends = image["links"], image["palette_range"]
    assert tuple(links["previews"]) == tuple(links["colorbar"]) == PALETTES
    stored = requests.get(links["previews"]["iron"]["url"], timeout=100).content
    drawn = Picture.open(io.BytesIO(stored))
    transparent = rgba(stored)[:, :, 3] == 0
    assert transparent[40:60, 20:50].all()
    assert transparent.sum() == 20 * 30
    for palette in OTHERS:
        drawn.putpalette(table(palette))
        preview = rgba(followed(anonymous, links["previews"][palette]))
        assert np.array_equal(preview, np.asarray(drawn.convert("RGBA"))), palette
        assert np.array_equal(preview[:, :, 3] == 0, transparent)
    for palette in PALETTES:
        bar = colour_bar(palette, low=ends["low_celsius"], high=ends["high_celsius"])
        assert np.array_equal(rgba(followed(anonymous, links["colorbar"][palette])), rgba(bar)), palette
    assert puts == [f"preview/{name}.png" for name in OTHERS] + [f"colorbar/{name}.png" for name in PALETTES]


def test_the_second_request_stores_nothing(anonymous: Person, image: dict[str, Any], puts: list[str]) -> None:
    link = image["links"]["previews"]["rainbow"]
    first = followed(anonymous, link)
    assert anonymous.http.head(link["url"]).status_code == 302
    assert followed(anonymous, link) == first
    assert puts == ["preview/rainbow.png"]


def test_links_stay_the_same_within_a_window_and_say_when_they_end(
    owner: Person, anonymous: Person, argus: Container, clock: MovableClock, image: dict[str, Any]
) -> None:
    def links() -> Any:
        return owner.get(f"/images/{image['id']}").get_json()["links"]["previews"]

    clock.start_window()
    first = links()["rainbow"]
    window = timedelta(seconds=argus.settings.link_window_seconds)
    changes = 0
    for _ in range(3):
        before = links()["rainbow"]
        clock.move(seconds=window.total_seconds() / 3)
        changes += links()["rainbow"] != before
    assert changes == 1
    expires_at = datetime.fromisoformat(first["expires_at"])
    left = expires_at - clock()
    clock.move(seconds=left.total_seconds() - 1)
    followed(anonymous, first)
    clock.move(seconds=2)
    response = anonymous.http.get(first["url"])
    assert refusal(response) == (403, "picture_link_expired")
    assert "Get the image again" in response.get_json()["detail"]


def test_the_redirect_is_cached_no_longer_than_its_target_lives(
    anonymous: Person, argus: Container, clock: MovableClock, image: dict[str, Any]
) -> None:
    response = anonymous.http.get(image["links"]["previews"]["medical"]["url"])
    caching, _, seconds = response.headers["Cache-Control"].rpartition("=")
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
    left = signed_at + timedelta(seconds=int(query["X-Amz-Expires"][0])) - clock()
    assert caching == "private, max-age"
    assert 0 < int(seconds) <= left.total_seconds() + 1
    assert not response.data


@pytest.mark.parametrize(
    "token",
    ["", "abc", "é", "x" * 1001, "A" * 200],
    ids=["empty", "short", "not ASCII", "long", "foreign"],
)
def test_a_token_that_argus_did_not_make_is_refused(anonymous: Person, token: str) -> None:
    response = anonymous.get("/pictures", query_string={"token": token})
    malformed = token == "" or len(token) > 1000
    assert refusal(response) == ((422, "unprocessable_entity") if malformed else (403, "invalid_picture_link"))


def test_a_link_leads_to_no_other_picture(
    owner: Person, anonymous: Person, stranger: Person, workers: Workers, image: dict[str, Any], scene: bytes
) -> None:
    """The second tenant of the routes that need a caller: a link of one image cannot be changed into another's."""
    other = uploaded(stranger, workers, scene, name="a.tif", content_type="image/tiff")
    url = other["links"]["previews"]["rainbow"]["url"]
    for old, new in (
        (stranger.organisation_id, owner.organisation_id),
        (other["id"], image["id"]),
        ("rainbow", "medical"),
        ('"preview"', '"original"'),
    ):
        assert refusal(anonymous.http.get(changed(url, old, new))) == (403, "invalid_picture_link")
        assert refusal(stranger.http.get(changed(url, old, new), headers=stranger.headers))[0] == 403


def test_a_cursor_is_no_link(owner: Person, anonymous: Person, image: dict[str, Any], workers: Workers) -> None:
    cursor = owner.get("/images?limit=1").get_json()["next_cursor"]
    if cursor is None:
        uploaded(owner, workers, flir_scene(seed=2, width=160, height=120)[0])
        cursor = owner.get("/images?limit=1").get_json()["next_cursor"]
    assert refusal(anonymous.get("/pictures", query_string={"token": cursor})) == (403, "invalid_picture_link")


@pytest.mark.parametrize("language", ["en", "fr", "es"])
def test_errors_are_in_the_callers_language(anonymous: Person, language: str) -> None:
    response = anonymous.get("/pictures?token=abc", headers={"Accept-Language": language})
    assert response.headers["Content-Language"] == language
    assert (
        response.get_json()["title"]
        == {"en": "Invalid link", "fr": "Lien non valide", "es": "Enlace no válido"}[language]
    )


def test_the_picture_of_a_deleted_image_is_not_found(
    owner: Person, anonymous: Person, image: dict[str, Any], puts: list[str]
) -> None:
    links = image["links"]["previews"]
    followed(anonymous, links["rainbow"])
    assert owner.delete(f"/images/{image['id']}").status_code == 204
    for palette in ("rainbow", "medical"):
        assert refusal(anonymous.http.get(links[palette]["url"])) == (404, "no_such_image")
    assert puts == ["preview/rainbow.png"]


@pytest.mark.parametrize("moment", ["get", "put"], ids=["before reading", "before storing"])
def test_an_image_that_is_deleted_during_the_copy_leaves_no_objects(
    owner: Person,
    anonymous: Person,
    argus: Container,
    aws: EmbeddedAws,
    monkeypatch: pytest.MonkeyPatch,
    image: dict[str, Any],
    moment: str,
) -> None:
    real = getattr(type(argus.objects), moment)

    def deleted_meanwhile(*arguments: Any, **named: Any) -> Any:
        monkeypatch.undo()
        assert owner.delete(f"/images/{image['id']}").status_code == 204
        return real(*arguments, **named)

    monkeypatch.setattr(type(argus.objects), moment, deleted_meanwhile)
    response = anonymous.http.get(image["links"]["previews"]["rainbow"]["url"])
    assert refusal(response) == (404, "no_such_image")
    prefix = f"{owner.organisation_id}/images/{image['id']}/"
    found = aws.client("s3").list_object_versions(Bucket=argus.settings.media_bucket, Prefix=prefix)
    assert not found.get("Versions", []) + found.get("DeleteMarkers", [])


def test_a_missing_stored_picture_is_reported_without_its_key(
    owner: Person, anonymous: Person, argus: Container, image: dict[str, Any]
) -> None:
    argus.objects.delete_under(f"{owner.organisation_id}/images/{image['id']}/products/preview/")
    response = anonymous.http.get(image["links"]["previews"]["rainbow"]["url"])
    assert refusal(response) == (503, "no_such_object")
    assert owner.organisation_id not in response.text


def test_a_damaged_stored_picture_is_reported_and_not_copied(
    owner: Person, anonymous: Person, argus: Container, aws: EmbeddedAws, image: dict[str, Any], puts: list[str]
) -> None:
    key = f"{owner.organisation_id}/images/{image['id']}/products/preview/iron.png"
    aws.client("s3").put_object(Bucket=argus.settings.media_bucket, Key=key, Body=b"half a picture")
    response = anonymous.http.get(image["links"]["previews"]["rainbow"]["url"])
    assert refusal(response) == (503, "damaged_picture")
    assert puts == []


def test_without_its_colour_bar_a_stored_preview_is_still_recoloured(
    owner: Person, anonymous: Person, argus: Container, aws: EmbeddedAws, image: dict[str, Any], puts: list[str]
) -> None:
    links = image["links"]
    bare = with_palette(requests.get(links["previews"]["iron"]["url"], timeout=100).content, table("iron"))
    key = f"{owner.organisation_id}/images/{image['id']}/products/preview/iron.png"
    aws.client("s3").put_object(Bucket=argus.settings.media_bucket, Key=key, Body=bare)
    for palette in ("iron", "rainbow"):
        response = anonymous.http.get(links["colorbar"][palette]["url"])
        assert refusal(response) == (503, "damaged_picture")
    assert followed(anonymous, links["previews"]["rainbow"]) == with_palette(bare, table("rainbow"))
    assert puts == ["preview/rainbow.png"]


def test_a_palette_that_no_longer_exists_is_not_found(
    owner: Person, anonymous: Person, argus: Container, image: dict[str, Any]
) -> None:
    stored = argus.imagery.ready_in(owner.organisation_id, image["id"])
    token, _ = argus.pictures.token(stored, PictureKind.PREVIEW, "sepia")
    assert refusal(anonymous.get("/pictures", query_string={"token": token})) == (404, "unknown_palette")


@pytest.mark.parametrize(("host", "stage"), [(CUSTOM_DOMAIN, ""), (EXECUTE_API, "/production")])
def test_links_have_the_address_that_api_gateway_reports(
    owner: Person, image: dict[str, Any], host: str, stage: str
) -> None:
    """tests/services/test_boot.py follows them through the packaged functions."""
    event = events.rest("GET", f"/api/v1/images/{image['id']}", headers=owner.headers, host=host)
    event["headers"] |= {"X-Forwarded-Proto": "http"}
    environ = {**create_wsgi_request(event, script_name=stage), "lambda.event": event, "HTTP_HOST": "evil.example"}
    body, status, _ = run_wsgi_app(owner.http.application, environ)
    assert status.startswith("200 ")
    links = json.loads(b"".join(body))["links"]
    assert links["previews"]["rainbow"]["url"].startswith(f"https://{host}{stage}/api/v1/pictures?token=")
    for palette in ("iron", "rainbow"):
        assert links["colorbar"][palette]["url"].startswith(f"https://{host}{stage}/api/v1/pictures?token=")


def test_the_palettes_recolour_stored_pictures(owner: Person, anonymous: Person, image: dict[str, Any]) -> None:
    palettes = owner.get("/palettes").get_json()
    assert (tuple(each["name"] for each in palettes["items"]), palettes["next_cursor"]) == (PALETTES, None)
    colours = {each["name"]: each for each in palettes["items"]}
    preview = requests.get(image["links"]["previews"]["iron"]["url"], timeout=100).content
    for links, field, stored in (
        ("previews", "preview_colours", preview),
        ("colorbar", "colorbar_colours", colour_bar_in(preview)),
    ):
        old, new = (bytes.fromhex(colours[name][field]) for name in ("iron", "lava"))
        assert stored.count(old) == 1
        swapped = Picture.open(io.BytesIO(stored))
        swapped.putpalette(new)
        expected = rgba(followed(anonymous, image["links"][links]["lava"]))
        assert np.array_equal(np.asarray(swapped.convert("RGBA")), expected)
