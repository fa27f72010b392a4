"""Errors of the server and of the connection, and the output of errors."""

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
    "accuracy": {"kind": "exact", "error_c": 0.001},
    "reason": None,
    "stats": {"min_c": 1.0, "mean_c": 2.0, "max_c": 3.0},
    "size_bytes": 2048,
    "created_at": "2026-05-03T10:00:00Z",
}


def test_a_connection_error_is_reported(signed_out_terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = signed_out_terminal.run("--url", address, "image", "list", ARGUS_TOKEN="t")
    assert (result.exit_code, result.stdout) == (5, "")
    assert address in result.stderr


@pytest.mark.parametrize(
    ("status", "headers"),
    [(429, {"Retry-After": "0"}), (503, {}), (500, {}), (502, {})],
    ids=["429", "503", "500", "502"],
)
def test_a_transient_failure_is_retried(
    terminal_for: Callable[..., Terminal], status: int, headers: dict[str, str]
) -> None:
    requests = []

    def respond(request: Request) -> Response:
        requests.append(request.path)
        return Response("later", status, headers) if len(requests) < 3 else Response(PAGE)

    assert terminal_for(respond).json("image", "list") == json.loads(PAGE)
    assert len(requests) == 3


def test_a_retry_waits_for_retry_after(terminal_for: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("argus.cli.retries.time.sleep", slept.append)
    responses = iter([Response("", 429, {"Retry-After": "7"}), Response(PAGE)])
    assert terminal_for(lambda _: next(responses)).run("image", "list").exit_code == 0
    assert slept == [7.0]


def test_a_long_retry_after_is_not_waited_for(terminal_for: Callable[..., Terminal]) -> None:
    problem = {"title": "Too many requests", "status": 429, "detail": "The limit is 600 per 1 minute."}
    terminal = terminal_for(lambda _: Response(json.dumps(problem), 429, {"Retry-After": "3600"}))
    result = terminal.run("image", "list")
    assert result.exit_code == 4
    assert result.stderr == "argus: Too many requests. The limit is 600 per 1 minute.\n"


def test_a_lasting_outage_is_an_error_with_the_request_id(terminal_for: Callable[..., Terminal]) -> None:
    problem = {"title": "Service unavailable", "status": 503, "detail": "Try again shortly.", "request_id": "req_42"}
    requests = []

    def respond(request: Request) -> Response:
        requests.append(request.path)
        return Response(json.dumps(problem), 503)

    result = terminal_for(respond).run("image", "list")
    assert result.exit_code == 4
    assert result.stderr.splitlines() == ["argus: Service unavailable. Try again shortly.", "  request req_42"]
    assert len(requests) == 5


def test_an_html_page_is_not_accepted_as_a_response_of_argus(terminal_for: Callable[..., Terminal]) -> None:
    result = terminal_for(lambda _: Response("<h1>Welcome to nginx</h1>")).run("image", "list")
    assert result.exit_code == 5
    assert "does not respond like an Argus server" in result.stderr


@pytest.mark.parametrize(
    "body",
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
def test_a_response_with_an_unexpected_shape_is_an_error(terminal_for: Callable[..., Terminal], body: str) -> None:
    result = terminal_for(lambda _: Response(body)).run("image", "list")
    assert (result.exit_code, result.stdout) == (5, "")
    assert "does not respond like an Argus server" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_item_with_an_unexpected_shape_is_an_error_document_with_json(terminal_for: Callable[..., Terminal]) -> None:
    result = terminal_for(lambda _: Response("{}")).run("--json", "report", "create", "scan_1")
    assert result.exit_code == 5
    assert "does not respond like an Argus server" in json.loads(result.stderr)["detail"]


def test_a_bug_in_the_client_is_not_reported_as_a_server_error(
    terminal_for: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise KeyError("bug")

    monkeypatch.setattr("argus.cli.api.Api.token", broken)
    assert isinstance(terminal_for(lambda _: Response(PAGE)).run("image", "list").exception, KeyError)


def test_an_error_page_of_a_gateway_is_an_error(terminal_for: Callable[..., Terminal]) -> None:
    result = terminal_for(lambda _: Response("<h1>no</h1>", 403)).run("image", "list")
    assert result.exit_code == 4
    assert "127.0.0.1 responded with HTTP status 403." in result.stderr


def test_redirects_are_not_followed(terminal_for: Callable[..., Terminal]) -> None:
    requests = []

    def respond(request: Request) -> Response:
        requests.append(request.path)
        return Response("", 302, {"Location": f"{request.host_url}elsewhere"})

    assert terminal_for(respond).run("image", "list").exit_code == 5
    assert requests == ["/api/v1/images"]


def test_a_problem_without_detail_is_its_title(terminal_for: Callable[..., Terminal]) -> None:
    result = terminal_for(lambda _: Response('{"title": "Forbidden", "status": 403}', 403)).run("image", "list")
    assert (result.exit_code, result.stderr) == (4, "argus: Forbidden.\n")


HOSTILE = {"pointer": "#/%1B[1m/0/x", "detail": "worse\x07"}


def test_a_hostile_problem_cannot_control_the_terminal(terminal_for: Callable[..., Terminal]) -> None:
    problem = {"title": "\x1b[2J", "status": 422, "errors": [HOSTILE, None, {"parameter": "n"}]}
    result = terminal_for(lambda _: Response(json.dumps(problem), 422)).run("image", "list")
    assert result.exit_code == 4
    assert not {"\x1b", "\x07"} & set(result.stderr)
    assert "/0/x: worse" in result.stderr


def test_global_options_work_before_and_after_the_command(terminal_for: Callable[..., Terminal]) -> None:
    terminal = terminal_for(lambda _: Response(PAGE))
    for arguments in (("--json", "image", "list"), ("image", "--json", "list"), ("image", "list", "--json")):
        assert json.loads(terminal.run(*arguments).stdout) == json.loads(PAGE)


@pytest.mark.parametrize(
    ("options", "note"),
    [((), "There are more. Add --all to list them.\n"), (("--quiet",), ""), (("--json",), "")],
    ids=["text", "quiet", "json"],
)
def test_a_note_reports_that_there_are_more(
    terminal_for: Callable[..., Terminal], options: tuple[str, ...], note: str
) -> None:
    queued = {"id": "scan_1", "target": {"kind": "image", "id": "img_1"}, "state": "queued", "progress": 0}
    scan = {**queued, "reason": "", "steps": [], "counts": {}, "created_at": "2026-05-03T10:00:00Z"}
    terminal = terminal_for(lambda _: Response(json.dumps({"items": [scan], "next_cursor": "more"})))
    result = terminal.run("scan", "list", "--limit", "1", *options)
    assert (result.exit_code, result.stderr) == (0, note)
    assert "scan_1" in result.stdout
