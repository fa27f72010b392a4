"""The stacks of a stage in the order of their deployment, and how each template gets its parameters."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.deploy.options import Options
from infra.templates import INFRA, capability_templates

CLOUDFRONT_REGION = "us-east-1"  # CloudFront requires its certificates and web ACLs in this region


@dataclass(frozen=True)
class Plan:
    """One stack: its template, and how its parameters and outputs map to the deployment's shared values."""

    template: str
    suffix: str = ""
    region: str = ""
    needs_domain: bool = False
    parameters: Callable[[Options], Mapping[str, str]] = lambda _: {}
    outputs: Mapping[str, str] = field(default_factory=dict)  # the name of an output in the shared values, if different
    folder: Path = INFRA

    def name(self, stage: str, home_region: str) -> str:
        """The stack's name; outside the stage's region it contains that region: several stages meet there."""
        home = f"-{home_region}" if self.region else ""
        return f"argus-{stage}-{self.template}{self.suffix}{home}"

    @property
    def path(self) -> Path:
        return self.folder / f"{self.template}.yaml"


def capability_plans(templates: Iterable[Path] | None = None) -> tuple[Plan, ...]:
    """A plan for each of these templates; by default for those of all capabilities."""
    found = capability_templates() if templates is None else templates
    return tuple(Plan(path.stem, folder=path.parent) for path in found)


PACKAGES = Plan("packages")
DATA = Plan("data")
ROLES = Plan("roles")
CAPABILITIES = capability_plans()
FIREWALL = Plan(
    "firewall",
    parameters=lambda options: {"Scope": "REGIONAL", "Name": f"api.{options.domain}" if options.domain else ""},
    outputs={"WebAclArn": "ApiWebAclArn", "CertificateArn": "ApiCertificateArn"},
)
CDN_FIREWALL = Plan(
    "firewall",
    suffix="-cdn",
    region=CLOUDFRONT_REGION,
    needs_domain=True,
    parameters=lambda options: {"Scope": "CLOUDFRONT", "Name": options.domain},
    outputs={"WebAclArn": "CdnWebAclArn", "CertificateArn": "CdnCertificateArn"},
)
REALTIME = Plan("realtime")
EDGE = Plan("edge")
EVENTS = Plan("events")
BACKUP = Plan("backup")
ALARMS = Plan("alarms")
BEFORE_FUNCTIONS = (PACKAGES, DATA, ROLES, *CAPABILITIES, FIREWALL, CDN_FIREWALL, REALTIME)
AFTER_FUNCTIONS = (EDGE, EVENTS, BACKUP, ALARMS)
PLANS = (*BEFORE_FUNCTIONS, *AFTER_FUNCTIONS)
