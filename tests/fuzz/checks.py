"""Checks of our own beside schemathesis's, and how it learns who calls."""

import json
from collections.abc import Mapping
from pathlib import Path

import schemathesis
from schemathesis import Case, CheckContext, Response


@schemathesis.check
def the_schema_tells_what_fields_may_be(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """Whoever keeps to the schema is never told that a field is wrong: 422 is then for rules that no schema tells."""
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    if valid and response.status_code == 422:
        problem = json.loads(response.content)
        assert problem["code"] != "unprocessable_entity", f"a schema-valid request was refused: {problem['errors']}"
    return None


@schemathesis.check
def errors_keep_what_is_inside_to_themselves(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """No answer has a traceback, the name of a library's error, or a path of ours."""
    text = response.content.decode("utf-8", "replace")
    if response.status_code >= 400:
        for sign in ("Traceback", "botocore", 'File "', "site-packages", "argus.core"):
            assert sign not in text, f"{sign} in the answer"
    return None


def write_people(path: Path, tokens: Mapping[str, str]) -> None:
    """Who calls, in the format of Web Fuzzing Commons: a name and a token each."""
    people = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}
        for name, token in tokens.items()
    ]
    path.write_text(json.dumps({"auth": people}))
