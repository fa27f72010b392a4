"""What the commands do when Argus does not answer as it should, and what they promise about themselves."""

import json
import socket
from collections.abc import Callable

import pytest
from werkzeug.wrappers import Request, Response

from tests.cli.conftest import Terminal

PAGE = json.dumps({"items": [], "next_cursor": None})
IMAGE = {
    "id": "img_1",
    "name": "a.jpg",
    "state": "ready",
    "accuracy": "exact",
    "reason": None,
    "stats": {"min_c": 1.0, "mean_c": 2.0, "max_c": 3.0},
    "size_bytes": 2048,
    "created_at": "2026-05-03T10:00:00Z",
}


def test_an_argus_that_does_not_answer_is_unreachable(stranger_terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = stranger_terminal.run("--url", address, "image", "list", ARGUS_TOKEN="t")
    assert (result.exit_code, result.stdout) == (5, "")
    assert address in result.stderr


@pytest.mark.parametrize(
    ("status", "headers"),
    [(429, {"Retry-After": "0"}), (503, {}), (500, {}), (502, {})],
    ids=["429", "503", "500", "502"],
)
def test_a_transient_failure_is_retried(before: Callable[..., Terminal], status: int, headers: dict[str, str]) -> None:
    asked = []

    def respond(request: Request) -> Response:
        asked.append(request.path)
        return Response("later", status, headers) if len(asked) < 3 else Response(PAGE)

    assert before(respond).json("image", "list") == json.loads(PAGE)
    assert len(asked) == 3


def test_a_retry_waits_as_long_as_the_server_asks(
    before: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("argus.cli.retries.time.sleep", slept.append)
    answers = iter([Response("", 429, {"Retry-After": "7"}), Response(PAGE)])
    assert before(lambda _: next(answers)).run("image", "list").exit_code == 0
    assert slept == [7.0]


def test_a_wait_of_an_hour_is_a_refusal(before: Callable[..., Terminal]) -> None:
    problem = {"title": "Too often.", "status": 429, "detail": "the limit is 600 per 1 minute"}
    terminal = before(lambda _: Response(json.dumps(problem), 429, {"Retry-After": "3600"}))
    result = terminal.run("image", "list")
    assert result.exit_code == 4
    assert "Too often: the limit is 600 per 1 minute" in result.stderr


def test_an_outage_that_stays_is_a_refusal_with_the_request_s_number(before: Callable[..., Terminal]) -> None:
    problem = {"title": "Down.", "status": 503, "detail": "no table", "request_id": "req_42"}
    asked = []

    def respond(request: Request) -> Response:
        asked.append(request.path)
        return Response(json.dumps(problem), 503)

    result = before(respond).run("image", "list")
    assert result.exit_code == 4
    assert result.stderr.splitlines() == ["argus: Down: no table", "  request req_42"]
    assert len(asked) == 5


def test_a_page_from_something_else_is_not_taken_for_argus(before: Callable[..., Terminal]) -> None:
    result = before(lambda _: Response("<h1>Welcome to nginx</h1>")).run("image", "list")
    assert result.exit_code == 5
    assert "does not answer like an Argus server" in result.stderr


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        '{"items": null, "next_cursor": null}',
        '{"items": [5], "next_cursor": null}',
        '{"items": [{}], "next_cursor": null}',
        '{"items": [], "next_cursor": ',
        "[" * 100_000,
        json.dumps({"items": [{**IMAGE, "created_at": "yesterday"}], "next_cursor": None}),
        json.dumps({"items": [{**IMAGE, "size_bytes": None}], "next_cursor": None}),
        json.dumps({"items": [{**IMAGE, "stats": [1]}], "next_cursor": None}),
        json.dumps({"items": [{**IMAGE, "state": 7}], "next_cursor": None}),
    ],
    ids=[
        "nothing",
        "no list",
        "a number for an image",
        "no fields",
        "half a page",
        "deep",
        "no time",
        "no size",
        "a list for numbers",
        "a number for a word",
    ],
)
def test_an_answer_of_another_shape_is_not_taken_for_argus(before: Callable[..., Terminal], answer: str) -> None:
    result = before(lambda _: Response(answer)).run("image", "list")
    assert (result.exit_code, result.stdout) == (5, "")
    assert "does not answer like an Argus server" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_single_item_of_another_shape_is_a_problem_with_json(before: Callable[..., Terminal]) -> None:
    result = before(lambda _: Response("{}")).run("--json", "report", "create", "scan_1")
    assert result.exit_code == 5
    assert "does not answer like an Argus server" in json.loads(result.stderr)["detail"]


def test_a_mistake_of_our_own_is_not_blamed_on_an_answer(
    before: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> object:
        raise KeyError("ours")

    monkeypatch.setattr("argus.cli.api.Api.token", mistaken)
    assert isinstance(before(lambda _: Response(PAGE)).run("image", "list").exception, KeyError)


def test_a_gateway_s_error_page_is_a_refusal(before: Callable[..., Terminal]) -> None:
    result = before(lambda _: Response("<h1>no</h1>", 403)).run("image", "list")
    assert result.exit_code == 4
    assert "HTTP 403 from 127.0.0.1" in result.stderr


def test_a_token_is_not_carried_elsewhere_by_a_redirect(before: Callable[..., Terminal]) -> None:
    asked = []

    def respond(request: Request) -> Response:
        asked.append(request.path)
        return Response("", 302, {"Location": f"{request.host_url}elsewhere"})

    assert before(respond).run("image", "list").exit_code == 5
    assert asked == ["/api/v1/images"]


def test_a_hostile_problem_cannot_control_the_terminal(before: Callable[..., Terminal]) -> None:
    problem = {"title": "\x1b[2J", "status": 422, "errors": {"\x1b[1m": {"0": {"x": ["bad\x07", "worse"]}}, "n": 1}}
    result = before(lambda _: Response(json.dumps(problem), 422)).run("image", "list")
    assert result.exit_code == 4
    assert not {"\x1b", "\x07"} & set(result.stderr)
    assert ".0.x: worse" in result.stderr


def test_global_options_stand_on_either_side(before: Callable[..., Terminal]) -> None:
    terminal = before(lambda _: Response(PAGE))
    for arguments in (("--json", "image", "list"), ("image", "--json", "list"), ("image", "list", "--json")):
        assert json.loads(terminal.run(*arguments).stdout) == json.loads(PAGE)


@pytest.mark.parametrize(
    ("asked_for", "noted"),
    [((), "More exist: add --all\n"), (("--quiet",), ""), (("--json",), "")],
    ids=["people", "quiet", "machines"],
)
def test_a_note_says_that_more_exist(before: Callable[..., Terminal], asked_for: tuple[str, ...], noted: str) -> None:
    queued = {"id": "scan_1", "target": {"kind": "image", "value": "img_1"}, "state": "queued", "progress": 0}
    scan = {**queued, "reason": "", "steps": [], "counts": {}, "created_at": "2026-05-03T10:00:00Z"}
    terminal = before(lambda _: Response(json.dumps({"items": [scan], "next_cursor": "more"})))
    result = terminal.run("scan", "list", "--limit", "1", *asked_for)
    assert (result.exit_code, result.stderr) == (0, noted)
    assert "scan_1" in result.stdout
