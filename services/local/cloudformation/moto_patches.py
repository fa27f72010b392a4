"""Registers our resource types with moto's CloudFormation: `apply()` patches moto for the whole process.

moto finds the model of a type among the direct subclasses of `CloudFormationModel` and caches the list, so the models
are defined first and the cache is cleared. Models run inside a request of the server; `flask.request` identifies the
embedded AWS. Our models call the ordinary API of that server, so that botocore validates every name and shape.
"""

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import flask
from botocore.exceptions import BotoCoreError, ClientError
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException, ValidationError
from moto.cognitoidp.models import cognitoidp_backends
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.core.common_models import CloudFormationModel
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
from moto.sqs.models import Queue

from services.local.cloudformation import deployments
from services.local.cloudformation.clients import Clients
from services.local.cloudformation.types import TYPES, Properties, ResourceType

_TRANSPORT_CONDITIONS = (
    {"Bool": {"aws:SecureTransport": "false"}},
    {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
)

_serving: dict[str, Clients] = {}


def serve(clients: Clients) -> None:
    """Use these clients in models that run in requests to this endpoint."""
    _serving[clients.endpoint_url] = clients


def stop_serving(clients: Clients) -> None:
    _serving.pop(clients.endpoint_url, None)


@functools.cache
def apply() -> None:
    """Patch moto's CloudFormation to support our types, once per process."""
    parsing.get_model_map()  # load moto's own models first: the model of a type that is defined last wins
    models = {
        name: _model(name, resource_type, resource_type.create)
        for name, resource_type in TYPES.items()
        if resource_type.create is not None
    }
    _clear_model_caches()
    known = parsing.get_model_map()
    for name, resource_type in TYPES.items():
        if name not in models:
            _complete_after_creation(known[name], resource_type)
    bucket: Any = FakeBucket
    bucket.get_permission = _permission
    cognito: Any = CognitoIdpResponse
    cognito.revoke_token = _revoke_token
    # moto stores this attribute of a queue but never returns it.
    queue: Any = Queue
    queue.BASE_ATTRIBUTES.append("RedriveAllowPolicy")
    queue.redrive_allow_policy = None
    deployments.apply()  # before moto's applications are built, which fixes their routes


def _permission(bucket: FakeBucket, action: str, resource: str) -> Any:
    """Evaluate the bucket's policy as if the request used TLS, which 127.0.0.1 does not.

    moto ignores the conditions of a bucket policy: statements that deny plain HTTP or old TLS would deny everything.
    """
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    document = json.loads(bucket.policy)
    document["Statement"] = [
        statement for statement in document["Statement"] if statement.get("Condition") not in _TRANSPORT_CONDITIONS
    ]
    return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)


def _clear_model_caches() -> None:
    for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cached.cache_clear()


def _revoke_token(response: Any) -> str:
    """RevokeToken, which moto does not support: the refresh token is invalidated."""
    token = json.loads(response.body)["Token"]
    for pool in cognitoidp_backends[response.current_account][response.region].user_pools.values():
        if token in pool.refresh_tokens:
            pool.refresh_tokens[token] = None
    return "{}"


def _model(
    name: str, resource_type: ResourceType, make: Callable[[Clients, Properties], str]
) -> type[CloudFormationModel]:
    """A model for a type that we create ourselves. moto finds the class among the subclasses of its base."""

    class Model(CloudFormationModel):
        logical_resource_id: str  # moto sets it after the resource is created

        def __init__(self, physical_id: str, attributes: dict[str, str], properties: Properties) -> None:
            self.physical_resource_id = physical_id
            self._attributes = attributes
            self._properties = properties

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return name

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr in resource_type.attributes

        def get_cfn_attribute(self, attribute: str) -> str:
            if attribute not in self._attributes:
                raise UnformattedGetAttTemplateException
            return self._attributes[attribute]

        @classmethod
        def create_from_cloudformation_json(
            cls,
            resource_name: str,  # noqa: ARG003 — moto passes it
            cloudformation_json: dict[str, Any],
            account_id: str,
            region_name: str,
            **kwargs: Any,
        ) -> "Model":
            with _validation_errors(kwargs["LogicalId"]):
                physical_id = make(_current_clients(), cloudformation_json["Properties"])
            return cls(
                physical_id,
                resource_type.attribute_values(physical_id, region=region_name, account_id=account_id),
                cloudformation_json["Properties"],
            )

        def delete(self, _account_id: str, _region_name: str) -> None:
            if resource_type.delete is not None:
                with _validation_errors(self.logical_resource_id):
                    resource_type.delete(_current_clients(), self.physical_resource_id, self._properties)

    return Model


def _complete_after_creation(model: Any, resource_type: ResourceType) -> None:
    create = model.create_from_cloudformation_json

    def create_whole(_: Any, name: str, body: dict[str, Any], /, *args: str, **kwargs: Any) -> Any:
        declared = body.get("Properties", {})
        prepared = resource_type.prepare(declared) if resource_type.prepare else declared
        resource = create(name, {**body, "Properties": prepared}, *args, **kwargs)
        if resource_type.complete is not None:
            with _validation_errors(kwargs["LogicalId"]):
                resource_type.complete(_current_clients(), resource.physical_resource_id, declared)
        return resource

    model.create_from_cloudformation_json = classmethod(create_whole)


def _current_clients() -> Clients:
    return _serving[flask.request.host_url.rstrip("/")]


@contextmanager
def _validation_errors(logical_id: str) -> Iterator[None]:
    """Convert botocore's errors into CloudFormation's ValidationError with the name of the resource."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise ValidationError(message=f"{logical_id}: {error}") from error
