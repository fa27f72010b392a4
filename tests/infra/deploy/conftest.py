"""A deployment to a new embedded AWS for each file of tests."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from infra.embedded.aws import EmbeddedAws
from services.local.rehearsal.main import STAGE, Embedded, no_function
from services.local.sockets import Sockets


@dataclass
class Output:
    """The lines that a deployment prints for its operator."""

    lines: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def steps(self) -> list[str]:
        return [line.removeprefix("— ") for line in self.lines if line.startswith("— ")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with EmbeddedAws.start(stage=STAGE) as aws, Sockets.start(no_function) as sockets:
        yield Embedded(aws, sockets, logs=tmp_path_factory.mktemp("rehearsal"))


def unconnected(service: str) -> Any:
    """A client to be stubbed, for operations that moto does not support."""
    return boto3.client(service, region_name="eu-west-1", aws_access_key_id="unused", aws_secret_access_key="unused")
