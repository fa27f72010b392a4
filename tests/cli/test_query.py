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
    before: Callable[..., Terminal], expression: str, selected: object
) -> None:
    terminal = before(lambda _: Response(json.dumps(PAGE)))
    for arguments in (("--query", expression, "image", "list"), ("image", "list", "--query", expression)):
        assert json.loads(terminal.run(*arguments).stdout) == selected


def test_a_string_is_printed_as_json(before: Callable[..., Terminal]) -> None:
    result = before(lambda _: Response(json.dumps(PAGE))).run("image", "list", "--query", "items[0].id")
    assert result.stdout == '"img_1"\n'


@pytest.mark.parametrize(
    "expression",
    ["", "items[", "items[?", "'", "nope(@)", "length()", "length(@, @)", "not_null()", "items[?nope(@)]", "a." * 9999],
    ids=lambda text: text[:20] or "empty",
)
def test_a_bad_expression_is_wrong_usage_before_argus_is_asked(
    before: Callable[..., Terminal], expression: str
) -> None:
    asked: list[str] = []

    def respond(request: Request) -> Response:
        asked.append(request.path)
        return Response(json.dumps(PAGE))

    result = before(respond).run("image", "list", "--query", expression)
    assert (result.exit_code, result.stdout, asked) == (2, "", [])
    assert "'--query'" in result.stderr


def test_an_expression_that_does_not_apply_is_wrong_usage(before: Callable[..., Terminal]) -> None:
    hostile = {"items": "\x1b[2J", "next_cursor": None, "id": "img_1"}
    result = before(lambda _: Response(json.dumps(hostile))).run("plugin", "show", "p", "--query", "abs(items)")
    assert (result.exit_code, "does not apply to this result" in result.stderr) == (2, True)
    assert json.loads(result.stdout) == hostile, "a command that has changed something must not lose its result"
    assert "\x1b" not in result.stderr


def test_errors_are_json_too(before: Callable[..., Terminal]) -> None:
    result = before(lambda _: Response('{"status": 403}', 403)).run("image", "list", "--query", "items")
    assert json.loads(result.stderr) == {"status": 403}
