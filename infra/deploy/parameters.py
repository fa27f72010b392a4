"""Parameters of the templates that an operator may set with `--parameters`, and whether a value is allowed.

CloudFormation would reject a wrong value too, but after other stacks were changed.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from infra.deploy.options import BadOption
from infra.templates import Template

# Parameters with a default that have another source. Those of queues keep their default, which a test compares.
NOT_SETTABLE: Mapping[str, str] = {
    "AlarmAddress": "--alarm-address",
    "AllowedOrigins": "--origins",
    "ApiCertificateArn": "--domain",
    "CdnCertificateArn": "--domain",
    "CdnWebAclArn": "--domain",
    "Domain": "--domain",
    "HostedZoneId": "--hosted-zone-id",
    "MailFrom": "--mail-from",
    "MailIdentity": "--mail-from",
    "MonthlyBudget": "--monthly-budget",
    "Name": "--domain",
    "Scope": "--domain",
    "ScansVisibilityTimeoutSeconds": "infra/data.yaml and the scanner's timeout in zappa_settings.json",
    "VisibilityTimeoutSeconds": "infra/data.yaml and the worker's timeout in zappa_settings.json",
}


def settable(templates: Iterable[Template]) -> dict[str, Mapping[str, Any]]:
    """The declarations of the parameters that `--parameters` may set, by name: those with a default."""
    return {
        name: declared
        for template in templates
        for name, declared in (template.body.get("Parameters") or {}).items()
        if "Default" in declared and name not in NOT_SETTABLE
    }


def check(given: Mapping[str, str], templates: Iterable[Template]) -> None:
    """Check names and values against the templates. Raises BadOption."""
    allowed = settable(templates)
    for name, value in given.items():
        if name in NOT_SETTABLE:
            raise BadOption(f"--parameters contains {name}; change {NOT_SETTABLE[name]} instead")
        if name not in allowed:
            raise BadOption(f"--parameters contains {name!r}; the templates have {', '.join(sorted(allowed))}")
        if problem := _problem(value, allowed[name]):
            raise BadOption(f"--parameters has {name}={value}; it must be {problem}")


def _problem(value: str, declared: Mapping[str, Any]) -> str:
    """What a value must be instead; empty if it is allowed."""
    choices = [str(choice) for choice in declared.get("AllowedValues", [])]
    if choices and value not in choices:
        return f"one of {', '.join(choices)}"
    if declared["Type"] == "Number":
        least, most = declared.get("MinValue"), declared.get("MaxValue")
        if not value.isdecimal():
            return "a whole number"
        if least is not None and int(value) < least:
            return f"at least {least}"
        if most is not None and int(value) > most:
            return f"at most {most}"
    pattern = declared.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return str(declared.get("ConstraintDescription", f"text that matches {pattern}"))
    return ""
