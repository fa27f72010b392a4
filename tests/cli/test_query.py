"""`--query`: JMESPath on the JSON document."""

import json
from collections.abc import Callable

import pytest
from werkzeug.wrappers import Request, Response

from tests.cli.conftest import Terminal

PAGE = {"items": [{"id": "img_1", "size_bytes": 7}, {"id": "img_2", "size_bytes": 9}], "next_cursor": None}


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("items[].id", ["img_1", "img_2"]),
        ("items[0].id", "img_1"),
        ("max(items[].size_bytes)", 9),
        ("not_null(items[5], items[0].size_bytes)", 7),
        ("nothing", None),
        ("@", PAGE),
    ],
)
def test_an_expression_selects_from_the_document(
    terminal_for: Callable[..., Terminal], expression: str, selected: object
) -> None:
    terminal = terminal_for(lambda _: Response(json.dumps(PAGE)))
    for arguments in (("--query", expression, "image", "list"), ("image", "list", "--query", expression)):
        assert json.loads(terminal.run(*arguments).stdout) == selected


def test_a_string_is_printed_as_json(terminal_for: Callable[..., Terminal]) -> None:
    result = terminal_for(lambda _: Response(json.dumps(PAGE))).run("image", "list", "--query", "items[0].id")
    assert result.stdout == '"img_1"\n'


@pytest.mark.parametrize(
    "expression",
    ["", "items[", "items[?", "'", "nope(@)", "length()", "length(@, @)", "not_null()", "items[?nope(@)]", "a." * 9999],
    ids=lambda text: text[:20] or "empty",
)
def test_an_invalid_expression_is_a_usage_error_before_any_request(
    terminal_for: Callable[..., Terminal], expression: str
) -> None:
    requests: list[str] = []

    def respond(request: Request) -> Response:
        requests.append(request.path)
        return Response(json.dumps(PAGE))

    result = terminal_for(respond).run("image", "list", "--query", expression)
    assert (result.exit_code, result.stdout, requests) == (2, "", [])
    assert "'--query'" in result.stderr


def test_an_expression_that_does_not_apply_is_a_usage_error(terminal_for: Callable[..., Terminal]) -> None:
    hostile = {"items": "\x1b[2J", "next_cursor": None, "id": "img_1"}
    result = terminal_for(lambda _: Response(json.dumps(hostile))).run("plugin", "show", "p", "--query", "abs(items)")
    assert (result.exit_code, "does not apply to this result" in result.stderr) == (2, True)
    assert json.loads(result.stdout) == hostile, "the result of a command must not be lost"
    assert "\x1b" not in result.stderr


def test_errors_are_json(terminal_for: Callable[..., Terminal]) -> None:
    result = terminal_for(lambda _: Response('{"status": 403}', 403)).run("image", "list", "--query", "items")
    assert json.loads(result.stderr) == {"status": 403}
