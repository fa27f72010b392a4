"""Options of a stage: stored, validated, and explained in the guide."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Self

import pytest

from infra.deploy import steps
from infra.deploy.options import BadOption, Options, load, save
from infra.deploy.package import ROOT
from services.local.rehearsal.main import Embedded
from tests.infra.deploy.conftest import Output


def test_options_are_stored_with_the_stage(environment: Embedded) -> None:
    ssm = environment.client("ssm")
    given = {"domain": "argus.example", "hosted_zone_id": "Z1"}
    save(ssm, "dev", load(ssm, "dev", given))
    assert load(ssm, "dev", {"monthly_budget": "20"}) == Options(**given, monthly_budget="20")


@pytest.mark.parametrize(
    "given",
    [{"domain": "argus.example"}, {"monthly_budget": "a lot"}, {"monthly_budget": "0"}, {"origins": "http://a.example"},
     {"origins": "https://a.example/"}, {"origins": "*"}, {"mail_from": "argus"}, {"mail_from": "a <a@b.example>"},
     {"requests_per_second": "0"},
     {"parameters": "LogDays"}, {"parameters": "=30"}, {"parameters": "LogDays=7,LogDays=30"},
     {"parameters": "LogDays=31"}, {"parameters": "Colour=red"}, {"parameters": "UploadsConcurrency=1"},
     {"parameters": "UploadsConcurrency=many"}, {"parameters": "UploadsConcurrency=1001"},
     {"parameters": "BackUpMedia=maybe"}, {"parameters": "VisibilityTimeoutSeconds=30"},
     {"parameters": "KeyArn=arn:x"}],
    ids=str,
)  # fmt: skip
def test_invalid_options_are_rejected_before_anything_is_created(environment: Embedded, given: dict[str, str]) -> None:
    with pytest.raises(BadOption):
        steps.prepare("staging", environment, given, Output())


def test_parameters_of_templates_are_passed_to_their_stacks(environment: Embedded) -> None:
    given = {"parameters": " LogDays=30, UploadsConcurrency=4 ,BackUpMedia=no"}
    values = steps.prepare("dev", environment, given, Output()).values
    assert values["Stage"] == "dev"
    assert (values["LogDays"], values["UploadsConcurrency"], values["BackUpMedia"]) == ("30", "4", "no")


def test_a_parameter_that_has_its_own_option_names_it(environment: Embedded) -> None:
    with pytest.raises(BadOption, match="--parameters contains Domain; change --domain instead"):
        steps.prepare("dev", environment, {"parameters": "Domain=a.example"}, Output())


class Amplify:
    """Amplify's responses about one app, as in its API reference (GetApp, ListBranches)."""

    def get_app(self, *, appId: str) -> dict[str, Any]:
        return {"app": {"appId": appId, "defaultDomain": f"{appId}.amplifyapp.com"}}

    def get_paginator(self, operation: str) -> Self:
        assert operation == "list_branches"
        return self

    def paginate(self, *, appId: str) -> Iterator[dict[str, Any]]:
        for name in ("main", "feature/map"):
            yield {"branches": [{"branchName": name, "displayName": name.replace("/", "-")}]}


def test_origins_come_from_the_domain_the_amplify_app_and_the_operator() -> None:
    options = Options(
        domain="argus.example", hosted_zone_id="Z1", amplify_app_id="d1", origins="https://a.example, https://b.example"
    )
    assert options.web_origins({"amplify": Amplify()}.get) == (
        "https://argus.example",
        "https://main.d1.amplifyapp.com",
        "https://feature-map.d1.amplifyapp.com",
        "https://a.example",
        "https://b.example",
    )


def test_the_guide_names_every_option() -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()
    for option in fields(Options):
        assert f"| `--{option.name.replace('_', '-')}` | {option.metadata['about']} |" in guide
