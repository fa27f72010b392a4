"""What an operator decides about a stage, and every later deployment remembers.

Kept as one parameter of SSM, `/argus/<stage>/options`: whoever deploys next, from whatever machine, need not know what
was said the first time, and no domain is lost because somebody forgot to name it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from argus.core.errors import ArgusError


class BadOption(ArgusError):
    """An option cannot be as it is."""


def _option(default: str, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Options:
    """All are text; empty means none."""

    domain: str = _option("", "the stage's domain; the API is api.<domain>")
    hosted_zone_id: str = _option("", "the Route 53 zone of the domain")
    amplify_app_id: str = _option("", "the Amplify app that hosts the console; its branches may call the API")
    amplify_branch: str = _option("", "the branch of that app which is this stage; its production branch otherwise")
    origins: str = _option("", "more web origins that may call the API, separated by commas")
    alarm_address: str = _option("", "where alarms are mailed")
    monthly_budget: str = _option("100", "US dollars a month, above which alarms tell")

    def check(self) -> None:
        """Refuse what CloudFormation would only refuse after half an hour."""
        if bool(self.domain) != bool(self.hosted_zone_id):
            raise BadOption("domain and hosted_zone_id go together")
        if not self.monthly_budget.isdigit() or int(self.monthly_budget) < 1:
            raise BadOption(f"monthly_budget is {self.monthly_budget!r}, not whole dollars")
        for origin in self._origins():
            if not origin.startswith("https://") or origin.count("/") != 2:
                raise BadOption(f"origin {origin!r} is not https://host")

    def web_origins(self, ground_client: Any) -> tuple[str, ...]:
        """Every origin that browsers may come from. `ground_client` is asked for Amplify's only if there is an app."""
        own = (f"https://{self.domain}",) if self.domain else ()
        hosted = _amplify_origins(ground_client("amplify"), self.amplify_app_id) if self.amplify_app_id else ()
        return tuple(dict.fromkeys((*own, *hosted, *self._origins())))

    def _origins(self) -> tuple[str, ...]:
        return tuple(origin.strip() for origin in self.origins.split(",") if origin.strip())


def _amplify_origins(amplify: Any, app_id: str) -> tuple[str, ...]:
    """A branch is served at https://<branch>.<the app's domain>, with what is no letter or digit as a dash."""
    domain = amplify.get_app(appId=app_id)["app"]["defaultDomain"]
    pages = amplify.get_paginator("list_branches").paginate(appId=app_id)
    return tuple(f"https://{branch['displayName']}.{domain}" for page in pages for branch in page["branches"])


def recall(ssm: Any, stage: str, given: Mapping[str, str]) -> Options:
    """What was decided before, with what is said now. Raises BadOption."""
    known = {option.name for option in fields(Options)}
    kept = {name: value for name, value in _read(ssm, stage).items() if name in known}
    options = replace(Options(**kept), **given)
    options.check()
    return options


def remember(ssm: Any, stage: str, options: Options) -> None:
    ssm.put_parameter(Name=_name(stage), Value=json.dumps(asdict(options)), Type="String", Overwrite=True)


def _read(ssm: Any, stage: str) -> dict[str, str]:
    try:
        return dict(json.loads(ssm.get_parameter(Name=_name(stage))["Parameter"]["Value"]))
    except ssm.exceptions.ParameterNotFound:
        return {}


def _name(stage: str) -> str:
    return f"/argus/{stage}/options"
