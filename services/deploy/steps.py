"""The steps of a deployment, in one table: an account and a rehearsal take the same ones.

Each may run again: a second deployment changes what differs and leaves the rest. Should a step fail once functions were
changed, they are put back to the release that was proven last; stacks put themselves back.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from argus.core.errors import ArgusError
from services.deploy import console, smoke
from services.deploy import options as stage_options
from services.deploy.environment import Environment
from services.deploy.functions import FUNCTIONS, Zappa
from services.deploy.migrations import MIGRATIONS, Migrations, Tables
from services.deploy.options import Options
from services.deploy.package import ROOT
from services.deploy.releases import Release, Releases
from services.deploy.stacks import Stacks
from services.local.cloudformation.discovery import INFRA, capability_templates
from services.local.cloudformation.template import Template

CLOUDFRONT_REGION = "us-east-1"  # where CloudFront takes its certificates and firewalls from


class NothingToRollBackTo(ArgusError):
    """No earlier release is known."""


@dataclass(frozen=True)
class Plan:
    """One stack: its template, and how its parameters and outputs are called among those of all the others."""

    template: str
    suffix: str = ""
    region: str = ""
    needs_domain: bool = False
    given: Callable[[Options], Mapping[str, str]] = lambda _: {}
    outputs: Mapping[str, str] = field(default_factory=dict)  # our name of an output, where it differs
    folder: Path = INFRA

    def name(self, stage: str) -> str:
        return f"argus-{stage}-{self.template}{self.suffix}"

    @property
    def path(self) -> Path:
        return self.folder / f"{self.template}.yaml"


def capability_plans(templates: Iterable[Path] | None = None) -> tuple[Plan, ...]:
    """A stack for each of these templates, by default for that of every capability."""
    found = capability_templates() if templates is None else templates
    return tuple(Plan(path.stem, folder=path.parent) for path in found)


PACKAGES = Plan("packages")
DATA = Plan("data")
ROLES = Plan("roles")
CAPABILITIES = capability_plans()
FIREWALL = Plan(
    "firewall",
    given=lambda options: {"Scope": "REGIONAL", "Name": f"api.{options.domain}" if options.domain else ""},
    outputs={"WebAclArn": "ApiWebAclArn", "CertificateArn": "ApiCertificateArn"},
)
CDN_FIREWALL = Plan(
    "firewall",
    suffix="-cdn",
    region=CLOUDFRONT_REGION,
    needs_domain=True,
    given=lambda options: {"Scope": "CLOUDFRONT", "Name": options.domain},
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


@dataclass
class Deployment:
    """A stage, the AWS it is deployed on, and what the steps so far have found out."""

    stage: str
    environment: Environment
    options: Options
    say: Callable[[str], None]
    known: dict[str, str] = field(default_factory=dict)  # parameters and outputs of stacks, by name
    release: Release = field(default_factory=Release)
    functions_changed: bool = False

    def stacks(self, region: str = "") -> Stacks:
        return Stacks(self.environment.client("cloudformation", region))

    @property
    def releases(self) -> Releases:
        return Releases(
            self.stage, self.environment.client("ssm"), self.environment.client("s3"), self.known["PackagesBucketName"]
        )

    @property
    def zappa(self) -> Zappa:
        folder = ROOT / "build" / "deploy" / self.stage
        return Zappa(self.stage, folder, self.environment.variables, self.environment.client("lambda"))


def begin(stage: str, environment: Environment, given: Mapping[str, str], say: Callable[[str], None]) -> Deployment:
    """A deployment of a stage, with what was decided about it. Raises BadOption."""
    options = stage_options.recall(environment.client("ssm"), stage, given)
    known = {
        **environment.placeholders,
        "Stage": stage,
        "Domain": options.domain,
        "HostedZoneId": options.hosted_zone_id,
        "AlarmAddress": options.alarm_address,
        "MonthlyBudget": options.monthly_budget,
    }
    return Deployment(stage, environment, options, say, known)


# ---------------------------------------------------------------- steps


def remember_options(deployment: Deployment) -> None:
    _foresee_console(deployment)
    stage_options.remember(deployment.environment.client("ssm"), deployment.stage, deployment.options)
    origins = deployment.options.web_origins(deployment.environment.client)
    if origins:
        deployment.known["AllowedOrigins"] = ",".join(origins)
    deployment.say(f"web origins: {', '.join(origins) or 'none'}")


def _foresee_console(deployment: Deployment) -> None:
    """Find now, while nothing is changed yet, what its step will ask for. Raises BadOption, ConsoleNotBuilt."""
    if deployment.options.amplify_app_id:
        _amplify(deployment).find()
    if deployment.options.domain:
        console.npm()


def _amplify(deployment: Deployment) -> console.Hosted:
    options = deployment.options
    return console.Hosted(deployment.environment.client("amplify"), options.amplify_app_id, options.amplify_branch)


def make_secrets(deployment: Deployment) -> None:
    """The key of cursors, once; nobody ever sees it."""
    ssm = deployment.environment.client("ssm")
    name = _cursor_secret(deployment.stage)
    try:
        ssm.put_parameter(Name=name, Value=secrets.token_hex(32), Type="SecureString", Overwrite=False)
    except ssm.exceptions.ParameterAlreadyExists:
        deployment.say(f"{name} is there")
    else:
        deployment.say(f"{name} made")


def make_stack(deployment: Deployment, plan: Plan) -> None:
    name = plan.name(deployment.stage)
    if plan.needs_domain and not deployment.options.domain:
        deployment.say(f"{name}: not for a stage without a domain")
        return
    known = {**deployment.known, **plan.given(deployment.options)}
    parameters = {key: known[key] for key in _parameters(plan.path) if key in known}
    stacks = deployment.stacks(plan.region)
    changed = stacks.deploy(
        name, template=deployment.environment.template(plan.path), parameters=parameters, tags=_tags(deployment.stage)
    )
    deployment.environment.verify_stack(name, plan.path, parameters)
    _learn(deployment, plan)
    deployment.say(f"{name}: {'as declared' if changed else 'nothing to change'}")


def _learn(deployment: Deployment, plan: Plan) -> None:
    """Keep the outputs of a stack; none when there is no such stack."""
    found = deployment.stacks(plan.region).outputs(plan.name(deployment.stage))
    deployment.known |= {plan.outputs.get(key, key): value for key, value in found.items()}


def store_packages(deployment: Deployment) -> None:
    zips = deployment.environment.packages()
    deployment.release = deployment.releases.store(zips)
    for name, path in zips.items():
        deployment.say(f"{name}.zip, {path.stat().st_size / 1e6:.1f} MB: {deployment.release.keys[name]}")


def migrate(deployment: Deployment) -> None:
    """While the release before still runs: it bears both shapes, or the one there was before."""
    environment, stage = deployment.environment, deployment.stage
    tables = Tables(stage, lambda: environment.client("dynamodb"))
    done = Migrations(stage, environment.client("ssm"), tables).run(MIGRATIONS)
    deployment.say(f"migrations: {', '.join(done) or 'nothing to do'}")


def put_functions(deployment: Deployment) -> None:
    deployment.functions_changed = True
    _put(deployment, deployment.release)
    api = FUNCTIONS[0].name(deployment.stage)  # Zappa's own stack, which holds the REST API
    deployment.known["RestApiId"] = deployment.stacks().resources(api)["Api"]


def publish_console(deployment: Deployment) -> None:
    """To whoever hosts it: Amplify, CloudFront, both or none."""
    options, client = deployment.options, deployment.environment.client
    told = console.variables(deployment.environment.region, deployment.known)
    if options.amplify_app_id:
        deployment.say(f"Amplify: {_amplify(deployment).publish(told)}")
    if options.domain:
        bucket, distribution_id = deployment.known["ConsoleBucketName"], deployment.known["DistributionId"]
        distribution = console.Distribution(client("s3"), client("cloudfront"), bucket, distribution_id)
        deployment.say(f"https://{options.domain}: {distribution.publish(console.build(told))} files")
    if not options.amplify_app_id and not options.domain:
        deployment.say("nobody hosts it: this stage has neither a domain nor an Amplify app")


def smoke_test(deployment: Deployment) -> None:
    environment, known = deployment.environment, deployment.known
    users = smoke.SmokeUsers(
        environment.client("cognito-idp"), known["UserPoolId"], known["ClientId"], environment.sign_in_url()
    )
    with environment.api_endpoint(deployment.stage, known) as url:
        smoke.prove(url, users, deployment.say)


def record_release(deployment: Deployment) -> None:
    deployment.releases.record(deployment.release)


Step = Callable[[Deployment], None]
STEPS: tuple[tuple[str, Step], ...] = (
    ("options", remember_options),
    ("secrets", make_secrets),
    ("bucket of packages", partial(make_stack, plan=PACKAGES)),
    ("packages", store_packages),
    ("data", partial(make_stack, plan=DATA)),
    ("roles", partial(make_stack, plan=ROLES)),
    *((plan.template, partial(make_stack, plan=plan)) for plan in CAPABILITIES),
    ("firewall", partial(make_stack, plan=FIREWALL)),
    ("firewall of CloudFront", partial(make_stack, plan=CDN_FIREWALL)),
    ("realtime", partial(make_stack, plan=REALTIME)),
    ("migrations", migrate),
    ("functions", put_functions),
    ("edge", partial(make_stack, plan=EDGE)),
    ("events", partial(make_stack, plan=EVENTS)),
    ("backup", partial(make_stack, plan=BACKUP)),
    ("alarms", partial(make_stack, plan=ALARMS)),
    ("console", publish_console),
    ("smoke test", smoke_test),
    ("release", record_release),
)


# ---------------------------------------------------------------- verbs


def deploy(deployment: Deployment) -> None:
    """Every step in order. What fails stops it, with functions as they were before."""
    for name, step in STEPS:
        deployment.say(f"— {name}")
        try:
            step(deployment)
        except Exception:
            _put_back(deployment)
            raise


def rollback(deployment: Deployment) -> None:
    """The functions of the release before, as a release of its own: a second rollback undoes the first."""
    for plan in (PACKAGES, DATA, ROLES, *CAPABILITIES, REALTIME, EDGE):
        _learn(deployment, plan)
    if "PackagesBucketName" not in deployment.known or not deployment.releases.before():
        raise NothingToRollBackTo(deployment.stage)
    before = deployment.releases.before()
    origins = deployment.options.web_origins(deployment.environment.client)
    deployment.known["AllowedOrigins"] = ",".join(origins)
    _put(deployment, before)
    smoke_test(deployment)
    deployment.releases.record(before)


def destroy(deployment: Deployment) -> list[str]:
    """Take the stage away, last made first; what remains, since it holds data or proves what happened to it.

    A role goes after the stacks that added policies to it: IAM does not delete one that still has them.
    """
    remains = []
    for plan in reversed(AFTER_FUNCTIONS):
        remains += _remove_stack(deployment, plan)
    zappa = _zappa_for_removal(deployment)
    for function in FUNCTIONS:
        if zappa.remove(function):
            deployment.say(f"{function.name(deployment.stage)}: removed")
    for plan in reversed(BEFORE_FUNCTIONS):
        remains += _remove_stack(deployment, plan)
    return remains


def _zappa_for_removal(deployment: Deployment) -> Zappa:
    """Zappa asks for a role and a bucket even to take something away."""
    zappa = deployment.zappa
    zappa.write_settings(
        region=deployment.environment.region,
        bucket=f"argus-{deployment.stage}-packages-{deployment.environment.account_id}",
        roles={function.role: "arn:aws:iam::000000000000:role/none" for function in FUNCTIONS},
        settings={},
    )
    return zappa


def _remove_stack(deployment: Deployment, plan: Plan) -> list[str]:
    """Remove one stack; what of it remains."""
    if plan.needs_domain and not deployment.options.domain:
        return []
    name, stacks = plan.name(deployment.stage), deployment.stacks(plan.region)
    if bucket := stacks.outputs(name).get("ConsoleBucketName"):
        _empty(deployment.environment.client("s3"), bucket)  # the console's files can be built again
    found = stacks.resources(name)
    if not stacks.delete(name):
        return []
    deployment.say(f"{name}: removed")
    retained = {
        logical_id: resource["Type"]
        for logical_id, resource in Template.read(plan.path).resources.items()
        if resource.get("DeletionPolicy") == "Retain"
    }
    return [f"{retained[one]} {found[one]}" for one in retained if found.get(one)]


def _empty(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if versions:
            objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _put_back(deployment: Deployment) -> None:
    if not deployment.functions_changed:
        return
    try:
        before = deployment.releases.running()
        if not before:
            deployment.say("there is no earlier release to put back")
            return
        deployment.say("putting back the functions of the release before")
        _put(deployment, before)
    except (ArgusError, BotoCoreError, ClientError) as error:  # told in the end is why they had to be put back
        deployment.say(f"not all of them could be put back: {error}")


def _put(deployment: Deployment, release: Release) -> None:
    """Every function at this release, with the settings that the stacks give; what became of each is said.

    One that fails keeps none of the others from it. Raises what the first of them raised.
    """
    known, zappa = deployment.known, deployment.zappa
    bucket = known["PackagesBucketName"]
    zappa.write_settings(
        region=deployment.environment.region, bucket=bucket, roles=known, settings=_settings(deployment)
    )
    with ThreadPoolExecutor(len(FUNCTIONS)) as pool:
        putting = [
            pool.submit(
                zappa.put,
                function,
                bucket=bucket,
                key=release.keys[function.package],
                code_hash=release.hashes[function.package],
            )
            for function in FUNCTIONS
        ]
    for function, put in zip(FUNCTIONS, putting, strict=True):
        key, error = release.keys[function.package], put.exception()
        became = f"runs {key}" if error is None else f"could not be put to {key}: {error}"
        deployment.say(f"{function.name(deployment.stage)} {became}")
    for put in putting:
        put.result()


def _settings(deployment: Deployment) -> dict[str, str]:
    environment, known = deployment.environment, deployment.known
    trusted = {"issuer": known["Issuer"], "jwks_url": environment.keys_url(known), "client_ids": [known["ClientId"]]}
    return {
        "ARGUS_STAGE": deployment.stage,
        "ARGUS_ACCOUNT_ID": environment.account_id,
        "ARGUS_TRUSTED_ISSUERS": json.dumps([trusted]),
        "ARGUS_ALLOWED_ORIGINS": known.get("AllowedOrigins", ""),
        "ARGUS_CURSOR_SECRET": f"ssm:{_cursor_secret(deployment.stage)}",
        "ARGUS_LINK_ROLE": known["LinksRoleArn"],
        "ARGUS_MEDIA_ORIGIN": f"https://{deployment.options.domain}" if deployment.options.domain else "",
        "ARGUS_SOCKET_URL": known["SocketUrl"],
        "ARGUS_CONNECTIONS_ENDPOINT": known["ConnectionsEndpoint"],
        **_where_errors_go(deployment),
        **environment.settings,
    }


def _where_errors_go(deployment: Deployment) -> dict[str, str]:
    """To Sentry, once an operator keeps a DSN by the name that every role may read (roles.yaml)."""
    ssm, name = deployment.environment.client("ssm"), f"/argus/{deployment.stage}/sentry-dsn"
    try:
        ssm.get_parameter(Name=name)
    except ssm.exceptions.ParameterNotFound:
        return {}
    return {"ARGUS_SENTRY_DSN": f"ssm:{name}"}


def _parameters(path: Path) -> list[str]:
    declared: Mapping[str, Any] = Template.read(path).body.get("Parameters") or {}
    return list(declared)


def _cursor_secret(stage: str) -> str:
    return f"/argus/{stage}/cursor-secret"


def _tags(stage: str) -> dict[str, str]:
    return {"project": "argus", "stage": stage}
