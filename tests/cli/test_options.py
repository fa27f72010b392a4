"""`--limit` and `--all` of lists."""

import json
from collections.abc import Callable

import pytest
from werkzeug.wrappers import Request, Response

from tests.cli.conftest import Terminal

LISTS = [("image", "list"), ("scan", "list"), ("finding", "list"), ("report", "list"), ("key", "list")]
TOTAL = 230


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
@pytest.mark.parametrize(
    ("options", "sizes", "more"),
    [
        ((), [50], True),
        (("--limit", "130"), [100, 30], True),
        (("--limit", "230"), [100, 100, 30], False),
        (("--all",), [100, 100, 30], False),
        (("--all", "--limit", "5"), [100, 100, 30], False),
    ],
    ids=["default", "limit", "limit at the end", "all", "all overrides limit"],
)
def test_a_list_requests_only_the_pages_that_it_prints(
    terminal_for: Callable[..., Terminal],
    command: tuple[str, str],
    options: tuple[str, ...],
    sizes: list[int],
    more: bool,
) -> None:
    pages = []

    def respond(request: Request) -> Response:
        start = int(request.args.get("cursor", 0))
        end = min(start + int(request.args["limit"]), TOTAL)
        pages.append(end - start)
        items = [{"id": number} for number in range(start, end)]
        return Response(json.dumps({"items": items, "next_cursor": str(end) if end < TOTAL else None}))

    document = terminal_for(respond).json(*command, *options)
    assert pages == sizes
    assert [item["id"] for item in document["items"]] == list(range(sum(sizes)))
    assert (document["next_cursor"] is not None) == more
