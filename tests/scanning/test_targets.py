"""Kinds of target over HTTP: images, and words, a kind that a capability of the tests declares."""

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
from services.local.demo.scenes import flir_scene
from services.worker import main as worker
from tests.conftest import Person, Workers
from tests.imagery.uploads import announce, uploaded
from tests.scanning.scripted import Scripted, container_with, spot

MISSING = "img_00000000000000000000000000"


def canonical(text: str) -> str:
    if not text.strip().isalpha():
        raise Invalid
    return text.strip().lower()


def authorise(_caller: Caller, value: str) -> None:
    if value == "secret":
        raise Forbidden


def report_section(_organisation_id: str, value: str, *, with_blocks: bool) -> TargetSection:
    return TargetSection(value.upper(), {"Letters": len(value), "Blocks": str(with_blocks)})


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
def word_container(argus: Container, reader: Scripted, second: Scripted) -> Container:
    """An Argus that can scan words, whose plugins are scripted."""
    words = Capability(name="words", about="Words", targets={"word": WORD, "plain": replace(WORD, report_section=None)})
    return container_with(argus, reader, second, capabilities=(*installed(), words))


@pytest.fixture
def client(word_container: Container, owner: Person) -> Person:
    return Person(create_app(word_container).test_client(), owner.headers, owner.organisation_id)


@pytest.fixture
def work(workers: Workers, word_container: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr(worker, "container", lambda: word_container)
    return workers.work


def scan(client: Person, target: dict[str, str], *plugins: str) -> Any:
    return client.post("/scans", {"target": target, "plugins": [{"id": plugin} for plugin in plugins or ("reader",)]})


# ---------------------------------------------------------------- declared kinds


def test_the_api_advertises_the_kinds_that_capabilities_declare(owner: Person) -> None:
    kinds = owner.get("/target-kinds").get_json()["items"]
    assert {"kind": "image", "about": "A thermal image", "given_by": "id", "link": "/api/v1/images/{value}"} in kinds
    declared = {name for capability in installed() for name in capability.targets}
    assert {each["kind"] for each in kinds} == declared
    schemas = openapi.document()["components"]["schemas"]
    assert set(schemas["TargetIn"]["properties"]["kind"]["enum"]) == declared


# ---------------------------------------------------------------- invalid requests


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
def test_an_invalid_target_is_rejected(client: Person, target: dict[str, str], status: int, code: str) -> None:
    response = scan(client, target)
    assert (response.status_code, response.get_json()["code"]) == (status, code)


def test_the_error_names_the_field_and_the_known_kinds(client: Person) -> None:
    detail = scan(client, {"kind": "word", "id": "north"}).get_json()["detail"]
    assert detail == "A target of the kind word has the field value, not id."
    detail = scan(client, {"kind": "moon", "id": "north"}).get_json()["detail"]
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
def test_an_invalid_target_filter_is_rejected(client: Person, path: str, target: str, code: str) -> None:
    response = client.get(f"{path}?target={target}")
    assert (response.status_code, response.get_json()["code"]) == (422, code)


# ---------------------------------------------------------------- canonical form


def test_two_spellings_are_one_target_with_one_finding(
    client: Person, work: Callable[[], None], reader: Scripted
) -> None:
    reader.finds("here")
    queued = scan(client, {"kind": "word", "value": "north"}).get_json()
    assert queued["target"] == {"kind": "word", "value": "north", "link": None}
    work()
    again = scan(client, {"kind": "word", "value": " NORTH "}).get_json()
    work()
    assert client.get(f"/scans/{again['id']}").get_json()["delta"]["unchanged"] == 1
    (finding,) = client.get("/findings?target=word:North").get_json()["items"]
    assert (finding["target"]["value"], finding["scan_id"]) == ("north", again["id"])


def test_a_scan_of_an_image_links_to_it(client: Person, work: Callable[[], None], workers: Workers) -> None:
    image = uploaded(client, workers, flir_scene(seed=5, width=64, height=48, leaks=1)[0])
    link = scan(client, {"kind": "image", "id": image["id"]}).get_json()["target"]["link"]
    assert client.get(link).get_json()["id"] == image["id"]


# ---------------------------------------------------------------- labels


def test_the_label_of_an_image_is_its_file_name_until_it_is_deleted(client: Person, word_container: Container) -> None:
    image_id = announce(client, b"x", name="north.jpg")["image_id"]
    target = Target("image", image_id)
    assert word_container.scanning.targets.label(client.organisation_id, target) == "north.jpg"
    assert word_container.scanning.targets.label("org_other", target) == image_id
    assert word_container.scanning.targets.label(client.organisation_id, Target("moon", "north")) == "north"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("word", TargetSection("NORTH", {"Letters": 5, "Blocks": "False"})), ("plain", TargetSection("north"))],
)
def test_a_report_shows_the_section_of_the_target_kind(
    client: Person,
    work: Callable[[], None],
    reader: Scripted,
    word_container: Container,
    kind: str,
    expected: TargetSection,
) -> None:
    reader.target_kinds = (kind,)
    scan_id = scan(client, {"kind": kind, "value": "North"}).get_json()["id"]
    work()
    report = Report("rpt_1", client.organisation_id, scan_id, "json", "usr_1", word_container.clock())
    assert word_container.reports.gather(report).target == expected


# ---------------------------------------------------------------- tools


def test_two_plugins_of_a_scan_decode_an_image_once(
    client: Person,
    work: Callable[[], None],
    workers: Workers,
    reader: Scripted,
    second: Scripted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image_id = uploaded(client, workers, flir_scene(seed=5, width=64, height=48, leaks=1)[0])["id"]
    decoded, real = [], decode.decode
    monkeypatch.setattr(decode, "decode", lambda *args, **kwargs: decoded.append(1) or real(*args, **kwargs))

    def width(tools: Tools) -> Any:
        return [spot(str(images(tools).thermogram(image_id).celsius.shape[1]))]

    reader.script = second.script = width
    scan_id = scan(client, {"kind": "image", "id": image_id}, "reader", "second").get_json()["id"]
    work()
    locations = [finding["location_key"] for finding in client.get(f"/scans/{scan_id}/findings").get_json()["items"]]
    assert (locations, len(decoded)) == (["64", "64"], 1)


def test_a_tool_is_created_for_each_run(
    client: Person, work: Callable[[], None], reader: Scripted, word_container: Container
) -> None:
    created_for: list[str] = []
    factories = {"imagery": lambda organisation_id: created_for.append(organisation_id) or object()}
    object.__setattr__(word_container.scanning.engine, "plugin_tools", factories)
    for _ in range(2):
        scan(client, {"kind": "word", "value": "north"})
        work()
    assert created_for == [client.organisation_id] * 2


def test_a_tool_is_created_from_the_runtime_on_first_use(argus: Container) -> None:
    created: list[Container] = []
    tool = Tool("Stores values", lambda runtime: lambda organisation_id: created.append(runtime) or organisation_id)
    remembering = Capability(name="remembering", about="", tools={"memory": tool})
    container = Container(argus.settings, capabilities=(*installed(), remembering))
    factory = container.tool_factories()["memory"]
    assert created == []
    assert (factory("org_1"), created) == ("org_1", [container])
