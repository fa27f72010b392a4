"""Zappa's verbs for functions in unusual states."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from infra.deploy.functions import API, Function, FunctionFailed, Zappa
from infra.embedded.aws import EmbeddedAws

STAGE = "half"


@pytest.fixture
def zappa(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zappa]:
    """A stage whose deployment failed after the API's function was created, before its REST API was."""
    iam, functions = aws.client("iam"), aws.client("lambda")
    role = iam.create_role(RoleName="argus-half", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("main.py", "")
    functions.create_function(
        FunctionName=API.name(STAGE),
        Role=role,
        Runtime="python3.11",
        Handler="main.h",
        Code={"ZipFile": buffer.getvalue()},
    )
    yield Zappa(STAGE, tmp_path_factory.mktemp("zappa"), {}, functions, aws.client("cloudformation"))
    if functions.list_functions()["Functions"]:
        functions.delete_function(FunctionName=API.name(STAGE))
    iam.delete_role(RoleName="argus-half")


def test_an_api_without_its_rest_api_is_deployed_anew(zappa: Zappa, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zappa updates nothing without a REST API, and does not deploy a function that exists."""
    verbs: list[str] = []
    monkeypatch.setattr(Zappa, "_run", lambda _, verb, *__: verbs.append(verb))
    monkeypatch.setattr(Zappa, "_remove_other_variables", lambda _, __: None)
    with pytest.raises(FunctionFailed, match="runs code with hash"):
        zappa.deploy(API, bucket="b", key="k", code_hash="another")
    assert verbs == ["undeploy", "deploy"]
    with pytest.raises(FunctionFailed, match="argus-half has no REST API"):
        zappa.rest_api_id()


@pytest.mark.parametrize("reserved", [0, 5], ids=["stopped", "five"])
def test_reserved_concurrency_is_written_to_the_settings(zappa: Zappa, reserved: int) -> None:
    """Zappa deletes what its settings do not contain: a function that an operator has stopped would run again."""
    zappa.functions.put_function_concurrency(FunctionName=API.name(STAGE), ReservedConcurrentExecutions=reserved)
    roles = dict.fromkeys(("ApiRoleArn", "WorkerRoleArn", "ScannerRoleArn", "SchedulerRoleArn", "RealtimeRoleArn"), "r")
    zappa.write_settings(region="eu-west-1", bucket="b", roles=roles, settings={})
    written = json.loads((zappa.folder / "zappa_settings.json").read_text())
    assert written[STAGE]["lambda_concurrency"] == reserved
    assert "lambda_concurrency" not in written[Function("_worker", "worker", "WorkerRoleArn").zappa_stage(STAGE)]
