"""Kinds of target, through the front door: images, and words, a kind that a capability of the tests declares."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from argus.app import create_app
from argus.capabilities import installed
from argus.container import Container
from argus.core.caller import Caller
from argus.core.declarations import Capability, TargetKind, Tool
from argus.core.errors import Forbidden, Invalid
from argus.imagery import decode
from argus.imagery.reader import images
from argus.reports.model import Report, TargetSection
from argus.scanning.model import Target
from argus.scanning.plugin import Tools
from services.api import openapi
from services.worker import main as worker
from tests.conftest import Person, Workers
from tests.imagery.front_door import announce, uploaded
from tests.scanning.scripted import Scripted, container_with, spot
from tests.scenes import flir_scene

MISSING = "img_00000000000000000000000000"


def canonical(text: str) -> str:
    if not text.strip().isalpha():
        raise Invalid
    return text.strip().lower()


def authorise(_caller: Caller, value: str) -> None:
    if value == "secret":
        raise Forbidden


def report_section(_organisation_id: str, value: str, *, with_picture: bool) -> TargetSection:
    return TargetSection(value.upper(), {"Letters": len(value), "Picture": str(with_picture)})


WORD = TargetKind(
    about="A word",
    given_by="value",
    canonical=f"{__name__}:canonical",
    authorise=f"{__name__}:authorise",
    report_section=f"{__name__}:report_section",
)


@pytest.fixture
def reader() -> Scripted:
    return Scripted("reader", target_kinds=("image", "word"), permissions=("imagery",))


@pytest.fixture
def second() -> Scripted:
    return Scripted("second", target_kinds=("image",), permissions=("imagery",))


@pytest.fixture
def wordy(argus: Container, reader: Scripted, second: Scripted) -> Container:
    """An Argus that can scan words, whose plugins are scripted."""
    words = Capability(name="words", about="Words", targets={"word": WORD, "plain": replace(WORD, report_section=None)})
    return container_with(argus, reader, second, capabilities=(*installed(), words))


@pytest.fixture
def door(wordy: Container, owner: Person) -> Person:
    return Person(create_app(wordy).test_client(), owner.headers, owner.organisation_id)


@pytest.fixture
def work(workers: Workers, wordy: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr(worker, "container", lambda: wordy)
    return workers.work


def scan(door: Person, target: dict[str, str], *plugins: str) -> Any:
    return door.post("/scans", {"target": target, "plugins": [{"id": plugin} for plugin in plugins or ("reader",)]})


# ---------------------------------------------------------------- what is advertised


def test_the_api_advertises_the_kinds_that_capabilities_declare(owner: Person) -> None:
    kinds = owner.get("/target-kinds").get_json()["items"]
    assert {"kind": "image", "about": "A thermal image", "given_by": "id", "link": "/api/v1/images/{value}"} in kinds
    declared = {name for capability in installed() for name in capability.targets}
    assert {each["kind"] for each in kinds} == declared
    schemas = openapi.document()["components"]["schemas"]
    assert set(schemas["TargetIn"]["properties"]["kind"]["enum"]) == declared


# ---------------------------------------------------------------- asked for wrongly


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ({"kind": "image"}, 422, "ambiguous_target"),
        ({"kind": "image", "id": MISSING, "value": MISSING}, 422, "ambiguous_target"),
        ({"kind": "image", "value": MISSING}, 422, "wrong_target_field"),
        ({"kind": "word", "id": "north"}, 422, "wrong_target_field"),
        ({"kind": "moon", "id": "north"}, 422, "unknown_target"),
        ({"kind": "image", "id": "north"}, 422, "not_an_image_id"),
        ({"kind": "image", "id": MISSING}, 404, "no_such_image"),
        ({"kind": "word", "value": "two words"}, 422, "invalid"),
        ({"kind": "word", "value": " SECRET "}, 403, "forbidden"),
        ({"kind": "plain", "value": "north"}, 422, "wrong_target"),
    ],
    ids=lambda value: str(value),
)
def test_a_target_that_cannot_be_scanned_is_refused(
    door: Person, target: dict[str, str], status: int, code: str
) -> None:
    answer = scan(door, target)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_the_refusal_says_which_field_and_which_kinds_there_are(door: Person) -> None:
    detail = scan(door, {"kind": "word", "id": "north"}).get_json()["detail"]
    assert detail == "A target of the kind word has the field value, not id."
    detail = scan(door, {"kind": "moon", "id": "north"}).get_json()["detail"]
    assert detail == "There is no kind of target moon. Choose one of these: image, plain, word."


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("nonsense", "unprocessable_entity"),
        ("moon:north", "unknown_target"),
        ("image:north", "not_an_image_id"),
    ],
)
@pytest.mark.parametrize("path", ["/findings", f"/scans/{MISSING}/findings"])
def test_a_filter_by_what_is_no_target_is_refused(door: Person, path: str, target: str, code: str) -> None:
    answer = door.get(f"{path}?target={target}")
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)


# ---------------------------------------------------------------- one target, however it is written


def test_two_spellings_are_one_target_with_one_finding(
    door: Person, work: Callable[[], None], reader: Scripted
) -> None:
    reader.finds("here")
    queued = scan(door, {"kind": "word", "value": "north"}).get_json()
    assert queued["target"] == {"kind": "word", "value": "north", "link": None}
    work()
    again = scan(door, {"kind": "word", "value": " NORTH "}).get_json()
    work()
    assert door.get(f"/scans/{again['id']}").get_json()["delta"]["unchanged"] == 1
    (finding,) = door.get("/findings?target=word:North").get_json()["items"]
    assert (finding["target"]["value"], finding["scan_id"]) == ("north", again["id"])


def test_a_scan_of_an_image_links_to_it(door: Person, work: Callable[[], None], workers: Workers) -> None:
    image = uploaded(door, workers, flir_scene(seed=5, width=64, height=48, leaks=1)[0])
    link = scan(door, {"kind": "image", "id": image["id"]}).get_json()["target"]["link"]
    assert door.get(link).get_json()["id"] == image["id"]


# ---------------------------------------------------------------- what people call it


def test_an_image_is_called_by_its_file_until_it_is_gone(door: Person, wordy: Container) -> None:
    image_id = announce(door, b"x", name="north.jpg")["image_id"]
    target = Target("image", image_id)
    assert wordy.scanning.targets.label(door.organisation_id, target) == "north.jpg"
    assert wordy.scanning.targets.label("org_other", target) == image_id
    assert wordy.scanning.targets.label(door.organisation_id, Target("moon", "north")) == "north"


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("word", TargetSection("NORTH", {"Letters": 5, "Picture": "False"})), ("plain", TargetSection("north"))],
)
def test_a_report_shows_what_the_kind_says_of_its_target(
    door: Person, work: Callable[[], None], reader: Scripted, wordy: Container, kind: str, shown: TargetSection
) -> None:
    reader.target_kinds = (kind,)
    scan_id = scan(door, {"kind": kind, "value": "North"}).get_json()["id"]
    work()
    report = Report("rpt_1", door.organisation_id, scan_id, "json", "usr_1", wordy.clock())
    assert wordy.reports.gather(report).target == shown


# ---------------------------------------------------------------- tools


def test_two_plugins_of_a_scan_decode_an_image_once(
    door: Person,
    work: Callable[[], None],
    workers: Workers,
    reader: Scripted,
    second: Scripted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image_id = uploaded(door, workers, flir_scene(seed=5, width=64, height=48, leaks=1)[0])["id"]
    decoded, real = [], decode.decode
    monkeypatch.setattr(decode, "decode", lambda *args, **kwargs: decoded.append(1) or real(*args, **kwargs))

    def width(tools: Tools) -> Any:
        return [spot(str(images(tools).thermogram(image_id).celsius.shape[1]))]

    reader.script = second.script = width
    scan_id = scan(door, {"kind": "image", "id": image_id}, "reader", "second").get_json()["id"]
    work()
    places = [finding["location_key"] for finding in door.get(f"/scans/{scan_id}/findings").get_json()["items"]]
    assert (places, len(decoded)) == (["64", "64"], 1)


def test_a_tool_is_made_for_each_run(
    door: Person, work: Callable[[], None], reader: Scripted, wordy: Container
) -> None:
    made: list[str] = []
    factories = {"imagery": lambda organisation_id: made.append(organisation_id) or object()}
    object.__setattr__(wordy.scanning.engine, "plugin_tools", factories)
    for _ in range(2):
        scan(door, {"kind": "word", "value": "north"})
        work()
    assert made == [door.organisation_id] * 2


def test_a_tool_is_built_from_the_runtime_when_it_is_first_needed(argus: Container) -> None:
    built: list[Container] = []
    tool = Tool("Remembers", lambda runtime: lambda organisation_id: built.append(runtime) or organisation_id)
    remembering = Capability(name="remembering", about="", tools={"memory": tool})
    container = Container(argus.settings, capabilities=(*installed(), remembering))
    factory = container.tool_factories()["memory"]
    assert built == []
    assert (factory("org_1"), built) == ("org_1", [container])
