"""Which parameters of the templates an operator may set, and where the others come from."""

import re

from infra.deploy import plans
from infra.deploy.options import Options
from infra.deploy.package import ROOT
from infra.deploy.parameters import NOT_SETTABLE, settable
from infra.templates import Template

TEMPLATES = [Template.read(plan.path) for plan in plans.PLANS]


def test_every_parameter_with_a_default_is_set_by_the_operator_or_by_the_deployment() -> None:
    with_default = {
        name
        for template in TEMPLATES
        for name, declared in (template.body.get("Parameters") or {}).items()
        if "Default" in declared
    }
    assert NOT_SETTABLE.keys() < with_default
    assert settable(TEMPLATES).keys() == {
        *("BackUpMedia", "LogDays", "RequestsPerAddress"),
        *("JobsConcurrency", "ScansConcurrency", "UploadsConcurrency"),
    }


def test_the_option_that_sets_another_parameter_exists() -> None:
    options = {f"--{name.replace('_', '-')}" for name in Options.__dataclass_fields__}
    named = {option for option in NOT_SETTABLE.values() if option.startswith("--")}
    assert named <= options


def test_the_readme_lists_which_parameters_can_be_passed() -> None:
    rows = [line.strip("| ").split(" | ") for line in (ROOT / "infra" / "README.md").read_text().splitlines()]
    listed = {name for row in rows if row[-1] == "`--parameters`" for name in re.findall(r"`(\w+)`", row[0])}
    assert listed == settable(TEMPLATES).keys()
