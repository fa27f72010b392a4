"""Zappa creates the functions, each from its package in S3, with settings from the outputs of the stacks.

Zappa runs as a command, not through its Python API: `ZappaCLI` keeps its state in attributes, exits the process on an
error and writes into the current folder. In a process of its own, none of that has side effects.
"""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from argus.core.errors import ArgusError
from infra.deploy.package import ROOT

_NEVER_CREATED = frozenset({"CREATE_FAILED", "DELETE_COMPLETE"})
_MODEL = "staging"  # its settings serve any stage that zappa_settings.json does not contain, such as a rehearsal's


class FunctionFailed(ArgusError):
    """Zappa could not deploy a function."""


@dataclass(frozen=True)
class Function:
    """One function: its stage in Zappa, its package and its role."""

    suffix: str
    package: str
    role: str  # the output of roles.yaml

    def zappa_stage(self, stage: str) -> str:
        return stage + self.suffix

    def name(self, stage: str) -> str:
        """The function's name, as Zappa builds it."""
        return f"argus-{stage}{self.suffix}".replace("_", "-")


API = Function("", "api", "ApiRoleArn")
FUNCTIONS = (
    API,
    Function("_worker", "worker", "WorkerRoleArn"),
    Function("_scanner", "worker", "ScannerRoleArn"),
    Function("_scheduler", "worker", "SchedulerRoleArn"),
    Function("_realtime", "api", "RealtimeRoleArn"),
)


@dataclass(frozen=True)
class Zappa:
    """Zappa's command for one stage, in a folder of its own."""

    stage: str
    folder: Path
    environment: Mapping[str, str]
    functions: Any  # boto3's client of Lambda
    cloudformation: Any

    def write_settings(
        self, *, region: str, bucket: str, roles: Mapping[str, str], settings: Mapping[str, str]
    ) -> None:
        """Write the stage's settings, with the values that are known only after the stacks are deployed."""
        written = {}
        for function in FUNCTIONS:
            declared = declared_settings(function.zappa_stage(self.stage), function.suffix)
            reserved = self._reserved_concurrency(function)
            written[function.zappa_stage(self.stage)] = {
                **declared,
                "aws_region": region,
                "s3_bucket": bucket,
                "role_arn": roles[function.role],
                "touch": False,  # the smoke test does more than Zappa's own request
                # Without this setting, `zappa update` deletes the concurrency that an operator has reserved.
                **({} if reserved is None else {"lambda_concurrency": reserved}),
                "tags": {**declared["tags"], "stage": self.stage},
                "aws_environment_variables": {**declared["aws_environment_variables"], **settings},
            }
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "zappa_settings.json").write_text(json.dumps(written, indent=2) + "\n")

    def deploy(self, function: Function, *, bucket: str, key: str, code_hash: str) -> None:
        """Create or update the function with this package. Raises FunctionFailed."""
        exists = self._exists(function)
        if exists and function is API and self._rest_api() is None:
            # A deployment failed between function and REST API; Zappa would neither deploy nor update it.
            self._run("undeploy", function.zappa_stage(self.stage), "--yes")
            exists = False
        verb = "update" if exists else "deploy"
        self._run(verb, function.zappa_stage(self.stage), "--zip", f"s3://{bucket}/{key}")
        self._remove_other_variables(function)
        found = self.functions.get_function(FunctionName=function.name(self.stage))["Configuration"]["CodeSha256"]
        if found != code_hash:
            raise FunctionFailed(
                f"{function.name(self.stage)} runs code with hash {found} instead of {code_hash}, {key}"
            )

    def rest_api_id(self) -> str:
        """The id of the REST API, which Zappa creates in a stack with the function's name. Raises FunctionFailed."""
        found = self._rest_api()
        if found is None:
            raise FunctionFailed(f"{API.name(self.stage)} has no REST API; deploy again")
        return found

    def _rest_api(self) -> str | None:
        stack = API.name(self.stage)
        try:
            found = self.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="Api")
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise
        detail = found["StackResourceDetail"]
        return None if detail["ResourceStatus"] in _NEVER_CREATED else str(detail["PhysicalResourceId"])

    def delete(self, function: Function) -> bool:
        """Delete the function; returns whether it existed. Raises FunctionFailed."""
        if not self._exists(function):
            return False
        self._run("undeploy", function.zappa_stage(self.stage), "--yes")
        return True

    def _exists(self, function: Function) -> bool:
        try:
            self.functions.get_function(FunctionName=function.name(self.stage))
        except self.functions.exceptions.ResourceNotFoundException:
            return False
        return True

    def _reserved_concurrency(self, function: Function) -> int | None:
        """The concurrency that an operator has reserved for the function; with 0, it does not run."""
        try:
            found = self.functions.get_function_concurrency(FunctionName=function.name(self.stage))
        except self.functions.exceptions.ResourceNotFoundException:
            return None
        reserved: int | None = found.get("ReservedConcurrentExecutions")
        return reserved

    def _remove_other_variables(self, function: Function) -> None:
        """Remove variables that the settings no longer declare: `zappa update` keeps them."""
        written = json.loads((self.folder / "zappa_settings.json").read_text())
        declared = written[function.zappa_stage(self.stage)]["aws_environment_variables"]
        name = {"FunctionName": function.name(self.stage)}
        self.functions.get_waiter("function_updated_v2").wait(**name)
        if self.functions.get_function_configuration(**name)["Environment"]["Variables"] != declared:
            self.functions.update_function_configuration(**name, Environment={"Variables": declared})
            self.functions.get_waiter("function_updated_v2").wait(**name)

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "zappa.cli", *arguments],
            cwd=self.folder,
            env={**self.environment, "VIRTUAL_ENV": sys.prefix},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FunctionFailed(f"zappa {' '.join(arguments[:2])}: {(done.stdout + done.stderr)[-2000:].strip()}")


def declared_settings(zappa_stage: str, suffix: str = "") -> dict[str, Any]:
    """A stage of zappa_settings.json, merged with the stages that it extends."""
    declared = json.loads((ROOT / "zappa_settings.json").read_text())
    name: str | None = zappa_stage if zappa_stage in declared else _MODEL + suffix
    found: dict[str, Any] = {}
    while name:
        found = {**declared[name], **found}
        name = found.pop("extends", None)
    return found


def code_hash(package: bytes) -> str:
    """The hash as Lambda returns it (`CodeSha256`)."""
    return base64.b64encode(hashlib.sha256(package).digest()).decode()
