"""The options of a stage, which an operator sets once and later deployments reuse.

Stored as one SSM parameter, `/argus/<stage>/options`: the next deployment, from any machine, need not repeat them, and
a stage does not lose its domain because an operator forgot to pass it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from argus.core.errors import ArgusError
from argus.core.origins import check_origin, is_host


class BadOption(ArgusError):
    """A deployment option is not valid."""


def _option(default: str, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Options:
    """The options of a stage; all are text, and empty means none."""

    domain: str = _option("", "the stage's domain; the API is api.<domain>")
    hosted_zone_id: str = _option("", "the Route 53 zone of the domain")
    amplify_app_id: str = _option("", "the Amplify app that hosts the console; its branches may call the API")
    amplify_branch: str = _option("", "the branch of that app for this stage (default: the app's production branch)")
    origins: str = _option("", "more web origins that may call the API, separated by commas")
    alarm_address: str = _option("", "the e-mail address that alarms notify")
    monthly_budget: str = _option(
        "100",
        "the monthly budget in US dollars (default: 100); "
        "80 % of it, or a forecast above it, notifies the alarm address",
    )
    mail_from: str = _option("", "the sender of e-mails to users, verified in SES (default: Cognito's, 50 a day)")
    requests_per_second: str = _option(
        "200", "how many requests a second the API accepts, of all callers together (default: 200)"
    )
    parameters: str = _option("", "other parameters of the templates: LogDays=30,BackUpMedia=no (infra/README.md)")

    def check(self) -> None:
        """Validate now what CloudFormation would reject only after half an hour. Raises BadOption."""
        if bool(self.domain) != bool(self.hosted_zone_id):
            raise BadOption("set --domain and --hosted-zone-id together")
        for name, unit in (("monthly_budget", "dollars"), ("requests_per_second", "requests")):
            value = getattr(self, name)
            if not value.isdecimal() or int(value) < 1:
                raise BadOption(
                    f"--{name.replace('_', '-')} is {value!r}; it must be a whole number of {unit}, at least 1"
                )
        if self.domain and not ("." in self.domain and is_host(self.domain)):
            raise BadOption(f"--domain is {self.domain!r}; it must be a name in lower case, such as argus.example.com")
        if self.mail_from and not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+\.[^@\s<>,]+", self.mail_from):
            raise BadOption(f"--mail-from is {self.mail_from!r}; it must be an address, such as argus@example.com")
        self.template_parameters()
        for origin in self._origins():
            try:
                check_origin(origin)
            except ValueError as error:
                raise BadOption(f"--origins is invalid: {error}") from error

    def template_parameters(self) -> dict[str, str]:
        """The parameters of templates by name. Raises BadOption for text that is not a list of Name=value."""
        found: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in self.parameters.split(","))):
            name, equals, value = part.partition("=")
            if not equals or not name.strip() or name.strip() in found:
                raise BadOption(f"--parameters is {self.parameters!r}; it must be Name=value, each once, with commas")
            found[name.strip()] = value.strip()
        return found

    def web_origins(self, client: Any) -> tuple[str, ...]:
        """Every origin that browsers may call from. `client` creates a client of Amplify only if there is an app."""
        own = (f"https://{self.domain}",) if self.domain else ()
        hosted = _amplify_origins(client("amplify"), self.amplify_app_id) if self.amplify_app_id else ()
        return tuple(dict.fromkeys((*own, *hosted, *self._origins())))

    def _origins(self) -> tuple[str, ...]:
        return tuple(origin.strip() for origin in self.origins.split(",") if origin.strip())


def _amplify_origins(amplify: Any, app_id: str) -> tuple[str, ...]:
    """Amplify serves a branch at https://<branch>.<app domain>, with dashes instead of special characters.

    Browsers send it in lower case.
    """
    domain = amplify.get_app(appId=app_id)["app"]["defaultDomain"]
    pages = amplify.get_paginator("list_branches").paginate(appId=app_id)
    return tuple(f"https://{branch['displayName']}.{domain}".lower() for page in pages for branch in page["branches"])


def load(ssm: Any, stage: str, given: Mapping[str, str]) -> Options:
    """The stored options, overridden by the given ones. Raises BadOption."""
    known = {option.name for option in fields(Options)}
    stored = {name: value for name, value in _read(ssm, stage).items() if name in known}
    options = replace(Options(**stored), **given)
    options.check()
    return options


def save(ssm: Any, stage: str, options: Options) -> None:
    ssm.put_parameter(Name=_name(stage), Value=json.dumps(asdict(options)), Type="String", Overwrite=True)


def _read(ssm: Any, stage: str) -> dict[str, str]:
    try:
        return dict(json.loads(ssm.get_parameter(Name=_name(stage))["Parameter"]["Value"]))
    except ssm.exceptions.ParameterNotFound:
        return {}


def _name(stage: str) -> str:
    return f"/argus/{stage}/options"
