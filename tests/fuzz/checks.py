"""Additional checks for schemathesis, and its credentials."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.generation.meta import TestPhase

# Of the boundary cases of each operation; tests.fuzz sets it so that all operations fit into its budget.
BOUNDARY_SHARE = Fraction(os.environ.get("ARGUS_FUZZ_BOUNDARY_SHARE", "1"))
_boundary_cases: Counter[str] = Counter()


@schemathesis.hook
def filter_case(context: HookContext, case: Case) -> bool:
    """Leave out boundary cases evenly, so that the share remains; the first of each operation always does."""
    if case.meta is None or case.meta.phase.name is not TestPhase.COVERAGE:
        return True
    index = _boundary_cases[case.operation.label]
    _boundary_cases[case.operation.label] += 1
    return index * BOUNDARY_SHARE.numerator % BOUNDARY_SHARE.denominator < BOUNDARY_SHARE.numerator


@schemathesis.check
def schema_valid_fields_are_accepted(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """A schema-valid request gets no field errors: 422 is only for rules that the schema cannot express."""
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    if valid and response.status_code == 422:
        problem = json.loads(response.content)
        assert problem["code"] != "unprocessable_entity", f"a schema-valid request was rejected: {problem['errors']}"
    return None


@schemathesis.check
def errors_contain_no_internals(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """No response contains a traceback, a library's error, or an internal path."""
    text = response.content.decode("utf-8", "replace")
    if response.status_code >= 400:
        for sign in ("Traceback", "botocore", 'File "', "site-packages", "argus.core"):
            assert sign not in text, f"{sign} in the response"
    return None


def write_credentials(path: Path, tokens: Mapping[str, str]) -> None:
    """Write the callers in the format of Web Fuzzing Commons: a name and a token each."""
    credentials = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}
        for name, token in tokens.items()
    ]
    path.write_text(json.dumps({"auth": credentials}))
