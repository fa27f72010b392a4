"""One stage in two regions of an account: names that are unique in the account must not collide."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.deploy import steps
from infra.deploy.plans import PLANS
from infra.embedded.aws import EmbeddedAws
from services.local.rehearsal.main import Embedded, no_function
from services.local.sockets import Sockets

STAGE = "twin"


@pytest.fixture
def environments(tmp_path: Path) -> Iterator[list[Embedded]]:
    """Two regions: the servers of one process share moto's state, as regions share an account."""
    with ExitStack() as stack:
        sockets = stack.enter_context(Sockets.start(no_function))
        yield [
            Embedded(stack.enter_context(EmbeddedAws.start(stage=STAGE, region=region)), sockets, logs=tmp_path)
            for region in ("eu-west-1", "ap-southeast-2")
        ]


def deploy(environment: Embedded) -> steps.Deployment:
    deployment = steps.prepare(STAGE, environment, {}, lambda _: None)
    deployment.values["RestApiId"] = "of-zappa"
    for plan in PLANS:
        steps.deploy_stack(deployment, plan)
    return deployment


def roles(environment: Embedded) -> set[str]:
    pages = environment.client("iam").get_paginator("list_roles").paginate()
    names = {role["RoleName"] for page in pages for role in page["Roles"]}
    return {name for name in names if name.startswith(f"argus-{STAGE}-{environment.region}-")}


def test_a_stage_is_deployed_in_two_regions_and_destroyed_in_one(environments: list[Embedded]) -> None:
    first, second = environments
    buckets = [deploy(environment).values["MediaBucketName"] for environment in environments]
    assert buckets == [f"argus-{STAGE}-media-{one.account_id}-{one.region}" for one in environments]
    before = roles(second)
    assert {name.rpartition("-")[2] for name in before} >= {"api", "worker", "links", "gateway", "backup"}

    steps.destroy(steps.prepare(STAGE, first, {}, lambda _: None))
    assert {name.rpartition("-")[2] for name in roles(first)} == {"gateway"}  # retained
    assert roles(second) == before
