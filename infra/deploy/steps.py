"""The steps of a deployment, in one table: an account and a rehearsal run the same steps.

Each step is idempotent: a second deployment updates only what differs. If a step fails after the functions were
changed, the functions are restored to the last release that passed its smoke test. CloudFormation rolls stacks back.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from argus.core.errors import ArgusError
from infra.deploy import console, limits, mail, retained, smoke
from infra.deploy import options as stage_options
from infra.deploy.environment import Environment
from infra.deploy.functions import FUNCTIONS, Zappa
from infra.deploy.migrations import MIGRATIONS, Migrations, Tables
from infra.deploy.options import Options
from infra.deploy.package import ROOT
from infra.deploy.parameters import check as check_parameters
from infra.deploy.plans import (
    AFTER_FUNCTIONS,
    ALARMS,
    BACKUP,
    BEFORE_FUNCTIONS,
    CAPABILITIES,
    CDN_FIREWALL,
    DATA,
    EDGE,
    EVENTS,
    FIREWALL,
    PACKAGES,
    PLANS,
    REALTIME,
    ROLES,
    Plan,
)
from infra.deploy.releases import Release, Releases
from infra.deploy.retained import CannotBeImported
from infra.deploy.stacks import Identifiers
from infra.templates import Template, is_retained


class NothingToRollBackTo(ArgusError):
    """There is no earlier release to roll back to."""


class NotDeployed(ArgusError):
    """The stage does not exist."""


@dataclass
class Deployment:
    """A stage, the environment it is deployed to, and the results of the steps so far."""

    stage: str
    environment: Environment
    options: Options
    log: Callable[[str], None]
    values: dict[str, str] = field(default_factory=dict)  # parameters and outputs of stacks, by name
    release: Release = field(default_factory=Release)
    functions_changed: bool = False

    def stack_name(self, plan: Plan) -> str:
        return plan.name(self.stage, self.environment.region)

    def template(self, plan: Plan) -> Template:
        """The template of a plan with literal names."""
        environment = self.environment
        names = {
            "Stage": self.stage,
            "HomeRegion": environment.region,
            "AWS::AccountId": environment.account_id,
            "AWS::Region": plan.region or environment.region,
        }
        return Template.read(plan.path).with_literal_names(names)

    @property
    def templates(self) -> list[Template]:
        """All templates in the stage's own region, with literal names."""
        return [self.template(plan) for plan in PLANS if not plan.region]

    @property
    def releases(self) -> Releases:
        return Releases(
            self.stage, self.environment.client("ssm"), self.environment.client("s3"), self.values["PackagesBucketName"]
        )

    @property
    def zappa(self) -> Zappa:
        folder = ROOT / "build" / "deploy" / f"{self.stage}-{self.environment.region}"
        client = self.environment.client
        return Zappa(self.stage, folder, self.environment.variables, client("lambda"), client("cloudformation"))


def prepare(stage: str, environment: Environment, given: Mapping[str, str], log: Callable[[str], None]) -> Deployment:
    """Create the deployment of a stage, with its stored options overridden by the given ones. Raises BadOption."""
    options = stage_options.load(environment.client("ssm"), stage, given)
    if "parameters" in given:  # stored ones may be those of an older release, which may be rolled back
        check_parameters(options.template_parameters(), (Template.read(plan.path) for plan in PLANS))
    values = {
        **options.template_parameters(),
        "Stage": stage,
        "HomeRegion": environment.region,
        "Domain": options.domain,
        "HostedZoneId": options.hosted_zone_id,
        "AlarmAddress": options.alarm_address,
        "MonthlyBudget": options.monthly_budget,
    }
    return Deployment(stage, environment, options, log, values)


# ---------------------------------------------------------------- steps


def save_options(deployment: Deployment) -> None:
    _check_console_options(deployment)
    use_mail(deployment)
    stage_options.save(deployment.environment.client("ssm"), deployment.stage, deployment.options)
    origins = deployment.options.web_origins(deployment.environment.client)
    if origins:
        deployment.values["AllowedOrigins"] = ",".join(origins)
    deployment.log(f"web origins: {', '.join(origins) or 'none'}")


def _check_console_options(deployment: Deployment) -> None:
    """Check what the console step needs before anything is changed. Raises BadOption, ConsoleNotBuilt."""
    if deployment.options.amplify_app_id:
        _amplify(deployment).find()
    if deployment.options.domain:
        console.npm()


def use_mail(deployment: Deployment) -> None:
    """Check the sender of e-mails before anything is changed. Raises BadOption."""
    sender = deployment.options.mail_from
    if not sender:
        deployment.log("e-mails to users: by Cognito, which sends at most 50 a day; --mail-from sends them through SES")
        return
    ses = deployment.environment.client("sesv2")
    deployment.values |= {"MailFrom": sender, "MailIdentity": mail.verified_identity(ses, sender)}
    if not ses.get_account()["ProductionAccessEnabled"]:
        deployment.log("e-mails to users: SES is in its sandbox and sends to verified addresses only; request access")


def _amplify(deployment: Deployment) -> console.AmplifyBranch:
    options = deployment.options
    return console.AmplifyBranch(
        deployment.environment.client("amplify"), options.amplify_app_id, options.amplify_branch
    )


def create_secrets(deployment: Deployment) -> None:
    """Create the key that signs cursors, unless it exists."""
    ssm = deployment.environment.client("ssm")
    name = _cursor_secret(deployment.stage)
    try:
        ssm.put_parameter(Name=name, Value=secrets.token_hex(32), Type="SecureString", Overwrite=False)
    except ssm.exceptions.ParameterAlreadyExists:
        deployment.log(f"{name}: exists")
    else:
        deployment.log(f"{name}: created")


def deploy_stack(deployment: Deployment, plan: Plan) -> None:
    name = deployment.stack_name(plan)
    if plan.needs_domain and not deployment.options.domain:
        deployment.log(f"{name}: skipped, the stage has no domain")
        return
    values = {**deployment.values, **plan.parameters(deployment.options)}
    parameters = {key: values[key] for key in _parameters(plan.path) if key in values}
    template, tags = deployment.template(plan), {"project": "argus", "stage": deployment.stage}
    stacks = deployment.environment.stacks(plan.region)
    imported: list[str] = []

    def existing() -> Identifiers:
        found = retained.find(template, stage=deployment.templates, client=deployment.environment.client)
        imported.extend(found)
        return found

    changed = stacks.deploy(name, template=template, parameters=parameters, tags=tags, existing=existing)
    _load_outputs(deployment, plan)
    also = f", imported {', '.join(imported)}" if imported else ""
    deployment.log(f"{name}: {'deployed' if changed else 'no changes'}{also}")


def _load_outputs(deployment: Deployment, plan: Plan) -> None:
    """Add the outputs of a stack to the values; none when the stack does not exist."""
    found = deployment.environment.stacks(plan.region).outputs(deployment.stack_name(plan))
    deployment.values |= {plan.outputs.get(key, key): value for key, value in found.items()}


def store_packages(deployment: Deployment) -> None:
    zips = deployment.environment.packages()
    deployment.release = deployment.releases.store(zips)
    for name, path in zips.items():
        deployment.log(f"{name}.zip, {path.stat().st_size / 1e6:.1f} MB, stored as {deployment.release.keys[name]}")


def migrate(deployment: Deployment) -> None:
    """Run the pending migrations. The previous release still runs, and must be able to read the migrated data."""
    environment, stage = deployment.environment, deployment.stage
    tables = Tables(stage, lambda: environment.client("dynamodb"))
    done = Migrations(stage, environment.client("ssm"), tables).run(MIGRATIONS)
    deployment.log(f"migrations: {', '.join(done) or 'none pending'}")


def deploy_functions(deployment: Deployment) -> None:
    deployment.functions_changed = True
    _deploy_release(deployment, deployment.release)
    deployment.values["RestApiId"] = deployment.zappa.rest_api_id()


def check_keys(deployment: Deployment) -> None:
    """The functions' roles may use one key: that of all tables and buckets. Raises CannotBeImported."""
    key = deployment.values["KeyArn"]
    found = retained.keys_of_data(deployment.templates, deployment.environment.client)
    others = [f"{name}: {other}" for name, other in found.items() if other != key]
    if others:
        raise CannotBeImported(
            f"the functions may use {key} only, and could not read {', '.join(others)}: move their data to "
            "tables or buckets with that key"
        )


def limit_api(deployment: Deployment) -> None:
    rate, values = int(deployment.options.requests_per_second), deployment.values
    client = deployment.environment.client("apigateway")
    limits.limit_api(client, values["RestApiId"], deployment.stage, rate=rate, log_arn=values["ApiAccessLogArn"])
    deployment.log(f"at most {rate} requests a second, {rate * limits.BURST} at once; access log set")


def share_concurrency(deployment: Deployment) -> None:
    """Leave the API part of the account's concurrency. Parameters of the operator take precedence."""
    limit = deployment.environment.concurrency
    deployment.values = {**limits.shares(limit), **deployment.values}
    used = sum(int(deployment.values[name]) for name in limits.QUEUE_CONCURRENCIES)
    deployment.log(f"of {limit} functions at once, queues use at most {used}, which leaves {limit - used} to the API")
    if limit - used < limits.API_MINIMUM:
        deployment.log("the API may be throttled: request a higher limit in Service Quotas, then deploy again")


def activate_budget(deployment: Deployment) -> None:
    problem = limits.activate_tag(deployment.environment.client("ce"))
    if not problem:
        deployment.log(
            f"cost allocation tag {limits.BUDGET_TAG}: active; AWS needs up to a day until the budget counts"
        )
        return
    deployment.log(
        f"the budget counts nothing yet: the cost allocation tag {limits.BUDGET_TAG} is not active ({problem}). AWS "
        "knows a tag a day after its first use: deploy again then, or activate it in the billing console of the "
        "account that pays"
    )


def publish_console(deployment: Deployment) -> None:
    """Publish the console to Amplify, CloudFront, both or neither."""
    options, client = deployment.options, deployment.environment.client
    variables = console.variables(deployment.environment.region, deployment.values)
    if options.amplify_app_id:
        deployment.log(f"Amplify: {_amplify(deployment).publish(variables)}")
    if options.domain:
        bucket, distribution_id = deployment.values["ConsoleBucketName"], deployment.values["DistributionId"]
        distribution = console.Distribution(client("s3"), client("cloudfront"), bucket, distribution_id)
        deployment.log(f"https://{options.domain}: {distribution.publish(console.build(variables))} files uploaded")
    if not options.amplify_app_id and not options.domain:
        deployment.log("console: skipped, the stage has neither a domain nor an Amplify app")


def smoke_test(deployment: Deployment) -> None:
    environment, values = deployment.environment, deployment.values
    users = smoke.SmokeUsers(
        environment.client("cognito-idp"), values["UserPoolId"], values["ClientId"], environment.sign_in_url()
    )
    with environment.api_endpoint(deployment.stage, values) as url:
        try:
            smoke.run(url, users, deployment.log)
        except smoke.SmokeFailed:
            deployment.log(f"the functions' logs are /aws/lambda/argus-{deployment.stage}*")
            raise


def record_release(deployment: Deployment) -> None:
    releases = deployment.releases
    releases.record(deployment.release)
    deployment.log(f"release of commit {deployment.release.commit or 'unknown'} recorded")
    if previous := releases.previous():
        deployment.log(f"`make rollback` returns to {previous.commit or 'the previous one, of an unknown commit'}")


Step = Callable[[Deployment], None]
STEPS: tuple[tuple[str, Step], ...] = (
    ("options", save_options),
    ("secrets", create_secrets),
    ("packages bucket", partial(deploy_stack, plan=PACKAGES)),
    ("packages", store_packages),
    ("data", partial(deploy_stack, plan=DATA)),
    ("roles", partial(deploy_stack, plan=ROLES)),
    *((plan.template, partial(deploy_stack, plan=plan)) for plan in CAPABILITIES),
    ("firewall", partial(deploy_stack, plan=FIREWALL)),
    ("CloudFront firewall", partial(deploy_stack, plan=CDN_FIREWALL)),
    ("realtime", partial(deploy_stack, plan=REALTIME)),
    ("keys", check_keys),
    ("migrations", migrate),
    ("functions", deploy_functions),
    ("edge", partial(deploy_stack, plan=EDGE)),
    ("limits of the API", limit_api),
    ("concurrency", share_concurrency),
    ("events", partial(deploy_stack, plan=EVENTS)),
    ("backup", partial(deploy_stack, plan=BACKUP)),
    ("alarms", partial(deploy_stack, plan=ALARMS)),
    ("budget", activate_budget),
    ("console", publish_console),
    ("smoke test", smoke_test),
    ("release", record_release),
)


# ---------------------------------------------------------------- verbs


def deploy(deployment: Deployment) -> None:
    """Run every step in order. A failure stops the deployment and restores the functions of the current release."""
    for name, step in STEPS:
        deployment.log(f"— {name}")
        try:
            step(deployment)
        except Exception:
            _restore_functions(deployment)
            raise


def rollback(deployment: Deployment) -> None:
    """Deploy the functions of the previous release and record it as current: a second rollback undoes the first."""
    for plan in (PACKAGES, DATA, ROLES, *CAPABILITIES, REALTIME, EDGE):
        _load_outputs(deployment, plan)
    if "PackagesBucketName" not in deployment.values or not deployment.releases.previous():
        raise NothingToRollBackTo(f"Stage {deployment.stage} keeps its functions.")
    previous = deployment.releases.previous()
    deployment.releases.check(previous)
    origins = deployment.options.web_origins(deployment.environment.client)
    deployment.values["AllowedOrigins"] = ",".join(origins)
    _deploy_release(deployment, previous)
    smoke_test(deployment)
    deployment.releases.record(previous)


def destroy(deployment: Deployment) -> list[str]:
    """Delete the stage in reverse order of creation; returns the resources that are kept, such as those with data.

    A role is deleted after the stacks that added policies to it: IAM does not delete a role that still has policies.
    """
    environment = deployment.environment
    if not any(environment.stacks().resources(deployment.stack_name(plan)) for plan in PLANS if not plan.region):
        where = f"account {environment.account_id}, region {environment.region}"
        raise NotDeployed(f"There is no stack of {deployment.stage} in {where}.")
    kept = []
    for plan in reversed(AFTER_FUNCTIONS):
        kept += _delete_stack(deployment, plan)
    zappa = _zappa_for_deletion(deployment)
    for function in FUNCTIONS:
        if zappa.delete(function):
            deployment.log(f"{function.name(deployment.stage)}: deleted")
    for plan in reversed(BEFORE_FUNCTIONS):
        kept += _delete_stack(deployment, plan)
    return kept


def _zappa_for_deletion(deployment: Deployment) -> Zappa:
    """Zappa with placeholder settings: it requires a role and a bucket even to delete a function."""
    zappa = deployment.zappa
    zappa.write_settings(
        region=deployment.environment.region,
        bucket="none",
        roles={function.role: "arn:aws:iam::000000000000:role/none" for function in FUNCTIONS},
        settings={},
    )
    return zappa


def _delete_stack(deployment: Deployment, plan: Plan) -> list[str]:
    """Delete one stack; returns the resources that it retains."""
    if plan.needs_domain and not deployment.options.domain:
        return []
    name, stacks = deployment.stack_name(plan), deployment.environment.stacks(plan.region)
    if bucket := stacks.outputs(name).get("ConsoleBucketName"):
        _empty(deployment.environment.client("s3"), bucket)  # the console can be built again
    found = stacks.resources(name)
    if not stacks.delete(name):
        return []
    deployment.log(f"{name}: deleted")
    kept = {
        logical_id: resource["Type"]
        for logical_id, resource in Template.read(plan.path).resources.items()
        if is_retained(resource)
    }
    return [f"{kept[one]} {found[one]}" for one in kept if found.get(one)]


def _empty(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if versions:
            objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _restore_functions(deployment: Deployment) -> None:
    if not deployment.functions_changed:
        return
    try:
        current = deployment.releases.current()
        if not current:
            deployment.log("the functions cannot be restored: there is no earlier release")
            return
        deployment.log("restoring the functions of the last release that passed its smoke test")
        _deploy_release(deployment, current)
    except (ArgusError, BotoCoreError, ClientError) as error:  # the command reports the original failure
        deployment.log(f"not all functions could be restored: {error}")


def _deploy_release(deployment: Deployment, release: Release) -> None:
    """Deploy this release to every function, with settings from the stacks, and log the result of each.

    A function that fails does not stop the others. Raises the first error.
    """
    values, zappa = deployment.values, deployment.zappa
    bucket = values["PackagesBucketName"]
    zappa.write_settings(
        region=deployment.environment.region, bucket=bucket, roles=values, settings=_settings(deployment)
    )
    with ThreadPoolExecutor(len(FUNCTIONS)) as pool:
        deployments = [
            pool.submit(
                zappa.deploy,
                function,
                bucket=bucket,
                key=release.keys[function.package],
                code_hash=release.hashes[function.package],
            )
            for function in FUNCTIONS
        ]
    for function, one in zip(FUNCTIONS, deployments, strict=True):
        key, error = release.keys[function.package], one.exception()
        result = f"runs {key}" if error is None else f"could not be deployed from {key}: {error}"
        deployment.log(f"{function.name(deployment.stage)} {result}")
    for one in deployments:
        one.result()


def _settings(deployment: Deployment) -> dict[str, str]:
    environment, values = deployment.environment, deployment.values
    trusted = {"issuer": values["Issuer"], "jwks_url": environment.keys_url(values), "client_ids": [values["ClientId"]]}
    return {
        "ARGUS_STAGE": deployment.stage,
        "ARGUS_ACCOUNT_ID": environment.account_id,
        "ARGUS_TRUSTED_ISSUERS": json.dumps([trusted]),
        "ARGUS_ALLOWED_ORIGINS": values.get("AllowedOrigins", ""),
        "ARGUS_CURSOR_SECRET": f"ssm:{_cursor_secret(deployment.stage)}",
        "ARGUS_LINK_ROLE": values["LinksRoleArn"],
        "ARGUS_MEDIA_ORIGIN": f"https://{deployment.options.domain}" if deployment.options.domain else "",
        "ARGUS_SOCKET_URL": values["SocketUrl"],
        "ARGUS_CONNECTIONS_ENDPOINT": values["ConnectionsEndpoint"],
        **_sentry_settings(deployment),
        **environment.settings,
    }


def _sentry_settings(deployment: Deployment) -> dict[str, str]:
    """The reference to Sentry's DSN, if an operator has stored one; every role may read this name (roles.yaml)."""
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
