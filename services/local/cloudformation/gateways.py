"""AWS::ApiGatewayV2 and AWS::ApiGateway::Account: moto's CloudFormation knows neither."""

from typing import Any

from services.local.cloudformation.clients import Clients

ACCOUNT = "account"  # there is one, and it has no name


def make_api(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_api(**properties)["ApiId"])


def read_api(clients: Clients, api_id: str) -> dict[str, Any]:
    return dict(clients("apigatewayv2").get_api(ApiId=api_id))


def make_integration(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_integration(**properties)["IntegrationId"])


def read_integration(clients: Clients, integration_id: str, declared: dict[str, Any]) -> dict[str, Any]:
    place = {"ApiId": declared["ApiId"]}
    return {**clients("apigatewayv2").get_integration(**place, IntegrationId=integration_id), **place}


def make_route(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_route(**properties)["RouteId"])


def read_route(clients: Clients, route_id: str, declared: dict[str, Any]) -> dict[str, Any]:
    place = {"ApiId": declared["ApiId"]}
    return {**clients("apigatewayv2").get_route(**place, RouteId=route_id), **place}


def make_route_response(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_route_response(**properties)["RouteResponseId"])


def read_route_response(clients: Clients, response_id: str, declared: dict[str, Any]) -> dict[str, Any]:
    place = {"ApiId": declared["ApiId"], "RouteId": declared["RouteId"]}
    return {**clients("apigatewayv2").get_route_response(**place, RouteResponseId=response_id), **place}


def make_stage(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("apigatewayv2").create_stage(**properties)["StageName"])


def read_stage(clients: Clients, name: str, declared: dict[str, Any]) -> dict[str, Any]:
    """The rate is a decimal number in the API, and a whole one in the template."""
    place = {"ApiId": declared["ApiId"]}
    stage = clients("apigatewayv2").get_stage(**place, StageName=name)
    limits = stage.get("DefaultRouteSettings", {})
    rate = {"ThrottlingRateLimit": int(limits["ThrottlingRateLimit"])} if "ThrottlingRateLimit" in limits else {}
    return {**stage, **place, "DefaultRouteSettings": {**limits, **rate}}


def make_account(clients: Clients, properties: dict[str, Any]) -> str:
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": properties["CloudWatchRoleArn"]}
    clients("apigateway").update_account(patchOperations=[change])
    return ACCOUNT


def read_account(clients: Clients) -> dict[str, Any]:
    return {"CloudWatchRoleArn": clients("apigateway").get_account().get("cloudwatchRoleArn")}
