"""AWS::ApiGatewayV2 and AWS::ApiGateway::Account, which moto's CloudFormation does not support."""

from typing import Any

from services.local.cloudformation.clients import Clients

ACCOUNT = "account"  # the single account of a region has no id


def create_api(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_api(**properties)["ApiId"])


def read_api(clients: Clients, api_id: str) -> dict[str, Any]:
    return dict(clients("apigatewayv2").get_api(ApiId=api_id))


def create_integration(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_integration(**properties)["IntegrationId"])


def read_integration(clients: Clients, integration_id: str, declared: dict[str, Any]) -> dict[str, Any]:
    parent = {"ApiId": declared["ApiId"]}
    return {**clients("apigatewayv2").get_integration(**parent, IntegrationId=integration_id), **parent}


def create_route(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_route(**properties)["RouteId"])


def read_route(clients: Clients, route_id: str, declared: dict[str, Any]) -> dict[str, Any]:
    parent = {"ApiId": declared["ApiId"]}
    return {**clients("apigatewayv2").get_route(**parent, RouteId=route_id), **parent}


def create_route_response(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_route_response(**properties)["RouteResponseId"])


def read_route_response(clients: Clients, response_id: str, declared: dict[str, Any]) -> dict[str, Any]:
    parent = {"ApiId": declared["ApiId"], "RouteId": declared["RouteId"]}
    return {**clients("apigatewayv2").get_route_response(**parent, RouteResponseId=response_id), **parent}


def create_stage(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_stage(**properties)["StageName"])


def read_stage(clients: Clients, name: str, declared: dict[str, Any]) -> dict[str, Any]:
    """The rate is a decimal number in the API and an integer in the template."""
    parent = {"ApiId": declared["ApiId"]}
    stage = clients("apigatewayv2").get_stage(**parent, StageName=name)
    limits = stage.get("DefaultRouteSettings", {})
    rate = {"ThrottlingRateLimit": int(limits["ThrottlingRateLimit"])} if "ThrottlingRateLimit" in limits else {}
    return {**stage, **parent, "DefaultRouteSettings": {**limits, **rate}}


def create_account(clients: Clients, properties: dict[str, Any]) -> str:
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": properties["CloudWatchRoleArn"]}
    clients("apigateway").update_account(patchOperations=[change])
    return ACCOUNT


def read_account(clients: Clients) -> dict[str, Any]:
    return {"CloudWatchRoleArn": clients("apigateway").get_account().get("cloudwatchRoleArn")}
