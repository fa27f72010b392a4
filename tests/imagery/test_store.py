"""Listings of images, through HTTP."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from argus.container import Container
from argus.core.dynamo import Page, Table
from argus.core.ids import Ids
from argus.imagery.model import Image, ImageState, NewFile
from tests.conftest import Person
from tests.dynamodb_calls import dynamodb_calls

SEEN = [state for state in ImageState if state is not ImageState.DELETING]


def _images(argus: Container, organisation_id: str, states: Iterable[ImageState]) -> list[Image]:
    """Stored images in these states, oldest first."""
    now = argus.clock()
    images = [
        Image(
            Ids(clock=lambda number=number: now + timedelta(milliseconds=number)).new("img"),
            organisation_id,
            NewFile("a.jpg", 1, "image/jpeg"),
            "usr_a",
            now,
            upload_until=now,
            state=state,
        )
        for number, state in enumerate(states)
    ]
    argus.imagery.store.add_many(images)
    return images


def _pages(person: Person, query: str, *, limit: int) -> Iterator[list[str]]:
    """The ids of each page."""
    cursor = ""
    while True:
        response = person.get(f"/images?limit={limit}&{query}{cursor}")
        assert response.status_code == 200, response.get_json()
        page = response.get_json()
        assert len(page["items"]) <= limit
        yield [image["id"] for image in page["items"]]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"


def _listed(person: Person, query: str = "", *, limit: int = 100) -> list[str]:
    return [image_id for page in _pages(person, query, limit=limit) for image_id in page]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_each_state_lists_exactly_its_images_newest_first(argus: Container, owner: Person, limit: int) -> None:
    rng = random.Random(limit)
    images = _images(argus, owner.organisation_id, [rng.choice(list(ImageState)) for _ in range(24)])
    for state in SEEN:
        expected = [image.id for image in reversed(images) if image.state is state]
        assert _listed(owner, f"state={state.value}", limit=limit) == expected
    expected = [image.id for image in reversed(images) if image.state in SEEN]
    assert _listed(owner, limit=limit) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 24])
def test_several_states_list_exactly_their_images_newest_first(argus: Container, owner: Person, limit: int) -> None:
    rng = random.Random(limit)
    images = _images(argus, owner.organisation_id, [rng.choice(list(ImageState)) for _ in range(24)])
    for count in (2, 3, 4):
        for chosen in combinations(SEEN, count):
            expected = [image.id for image in reversed(images) if image.state in chosen]
            assert _listed(owner, f"state={','.join(chosen)}", limit=limit) == expected


def test_an_image_with_entries_of_two_states_is_listed_once(
    argus: Container, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is updated after the item: for a moment it can have the entry of the former state, too."""
    (image,) = _images(argus, owner.organisation_id, [ImageState.READY])
    real = Table.query  # a query for `processing` finds the entries of `ready`

    def with_an_old_entry(table: Table, pk: str, **options: Any) -> Page:
        return real(table, pk.replace("#processing", "#ready"), **options)

    monkeypatch.setattr(Table, "query", with_an_old_entry)
    assert _listed(owner, "state=processing,ready") == [image.id]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_images_that_change_their_state_between_pages_hide_and_repeat_no_other(
    argus: Container, owner: Person, limit: int, seed: int
) -> None:
    rng = random.Random(seed)
    states = [rng.choice([ImageState.READY, ImageState.REJECTED]) for _ in range(16)]
    images = {image.id: image for image in _images(argus, owner.organisation_id, states)}
    stayed = {image.id for image in images.values() if image.state is ImageState.READY}
    listed: list[str] = []
    for page in _pages(owner, "state=ready", limit=limit):
        assert {images[image_id].state for image_id in page} <= {ImageState.READY}
        listed += page
        for image in rng.sample(list(images.values()), 2):
            changed = argus.imagery.store.save(replace(image, state=rng.choice(list(ImageState))))
            assert changed is not None
            images[image.id] = changed
        stayed &= {image.id for image in images.values() if image.state is ImageState.READY}
    assert listed == sorted(set(listed), reverse=True)
    assert set(listed) >= stayed


def test_a_page_of_a_rare_state_costs_one_query(argus: Container, owner: Person) -> None:
    states = [ImageState.READY] * 300
    states[40] = states[170] = ImageState.REJECTED
    images = _images(argus, owner.organisation_id, states)
    with dynamodb_calls(argus) as calls:
        assert _listed(owner, "state=rejected", limit=10) == [images[170].id, images[40].id]
    assert sorted(each for each in calls if each not in ("GetItem", "UpdateItem")) == ["BatchGetItem", "Query by state"]
    with dynamodb_calls(argus) as calls:
        assert _listed(owner, "state=processing", limit=10) == []
    assert [each for each in calls if "Query" in each] == ["Query by state"]


def test_an_image_that_is_being_deleted_is_in_no_listing(argus: Container, owner: Person) -> None:
    kept, deleted = _images(argus, owner.organisation_id, [ImageState.READY] * 2)
    assert argus.imagery.store.save(replace(deleted, state=ImageState.DELETING)) is not None
    assert _listed(owner, limit=1) == [kept.id]
    assert [_listed(owner, f"state={state.value}", limit=1) for state in SEEN].count([]) == len(SEEN) - 1
    assert _listed(owner, "state=ready", limit=1) == [kept.id]
    assert owner.get("/images?state=deleting").status_code == 422


def test_another_organisation_lists_none_in_any_state(argus: Container, owner: Person, stranger: Person) -> None:
    _images(argus, owner.organisation_id, SEEN)
    assert [_listed(stranger, f"state={state.value}") for state in SEEN] == [[]] * len(SEEN)


def test_the_order_of_states_does_not_matter_to_a_cursor(argus: Container, owner: Person) -> None:
    images = _images(argus, owner.organisation_id, [ImageState.READY, ImageState.REJECTED])
    cursor = owner.get("/images?state=ready,rejected&limit=1").get_json()["next_cursor"]
    page = owner.get(f"/images?state=rejected,ready&limit=1&cursor={cursor}").get_json()
    assert [image["id"] for image in page["items"]] == [images[0].id]


def test_a_cursor_of_one_state_is_refused_for_another(argus: Container, owner: Person) -> None:
    _images(argus, owner.organisation_id, [ImageState.READY] * 2)
    cursor = owner.get("/images?state=ready&limit=1").get_json()["next_cursor"]
    for query in ("state=rejected&", ""):
        assert owner.get(f"/images?{query}limit=1&cursor={cursor}").get_json()["code"] == "bad_cursor"


def test_an_image_that_changed_since_its_index_entry_was_written_is_omitted(
    argus: Container, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = _images(argus, owner.organisation_id, [ImageState.READY] * 4)
    real, store = Table.get_many, argus.imagery.store

    def changed_meanwhile(table: Table, keys: Any) -> list[dict[str, Any]]:
        keys = list(keys)
        if table.name == store.table.name:
            monkeypatch.setattr(Table, "get_many", real)
            assert store.save(replace(images[3], state=ImageState.REJECTED)) is not None
            assert store.save(replace(images[1], state=ImageState.DELETING)) is not None
            store.delete(images[0])
        return real(table, keys)

    monkeypatch.setattr(Table, "get_many", changed_meanwhile)
    assert _listed(owner, "state=ready") == [images[2].id]
    assert _listed(owner, "state=rejected") == [images[3].id]
