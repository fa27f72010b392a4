"""schemathesis in the test process: every operation, with a fixed seed, without network and threads."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from services.api import openapi
from tests.conftest import Person, untraced
from tests.fuzz.checks import write_credentials

CONFIG = Path(__file__).parent / "schemathesis.toml"


@pytest.fixture(scope="module")
def api(new_owner: Callable[[], Person], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    credentials = tmp_path_factory.mktemp("fuzz") / "people.json"
    people = {"north": new_owner(), "south": new_owner()}
    write_credentials(
        credentials, {name: person.headers["Authorization"].split()[1] for name, person in people.items()}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARGUS_FUZZ_AUTH", str(credentials))
        config = SchemathesisConfig.from_path(str(CONFIG))
        application = people["north"].http.application
        yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=config)


OPERATIONS = [
    (path, method.upper())
    for path, operations in openapi.document()["paths"].items()
    for method in operations
    if method != "parameters"
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_responses_match_the_document(api: Any, path: str, method: str, mode: GenerationMode) -> None:
    operation = api[path][method]
    if mode is GenerationMode.NEGATIVE and not (operation.body or any(operation.iter_parameters())):
        return  # there is nothing to invalidate

    @seed(1)
    @settings(max_examples=8, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HealthCheck)
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case) -> None:
        case.call_and_validate()

    untraced(call)()  # other tests cover what is called here
