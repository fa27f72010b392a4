"""schemathesis inside the test process: no network, no threads, every operation, the same seed every time."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from services.api import openapi
from tests.conftest import Person
from tests.fuzz.checks import write_people

CONFIG = Path(__file__).parent / "schemathesis.toml"


@pytest.fixture
def api(owner: Person, stranger: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    people = tmp_path / "people.json"
    tokens = {"north": owner, "south": stranger}
    write_people(people, {name: who.headers["Authorization"].split()[1] for name, who in tokens.items()})
    monkeypatch.setenv("ARGUS_FUZZ_AUTH", str(people))
    config = SchemathesisConfig.from_path(str(CONFIG))
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", owner.http.application, config=config)


OPERATIONS = [
    (path, method.upper())
    for path, operations in openapi.document()["paths"].items()
    for method in operations
    if method != "parameters"
]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_what_the_document_says(api: Any, path: str, method: str, mode: GenerationMode) -> None:
    operation = api[path][method]
    if mode is GenerationMode.NEGATIVE and not (operation.body or any(operation.iter_parameters())):
        return  # nothing to get wrong

    @seed(1)
    @settings(max_examples=8, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HealthCheck)
    @given(case=operation.as_strategy(generation_mode=mode))
    def attack(case: schemathesis.Case) -> None:
        case.call_and_validate()

    attack()
