"""AWS::Cognito::UserPool, UserPoolClient and UserPoolGroup, which moto's CloudFormation does not support."""

from typing import Any

from services.local.cloudformation.clients import Clients

# Properties of a pool that CreateUserPool does not take under the same name.
_NOT_AT_CREATION = ("UserPoolName", "MfaConfiguration", "EnabledMfas")


def create_pool(clients: Clients, properties: dict[str, Any]) -> str:
    cognito = clients("cognito-idp")
    others = {name: value for name, value in properties.items() if name not in _NOT_AT_CREATION}
    pool_id = cognito.create_user_pool(PoolName=properties["UserPoolName"], **others)["UserPool"]["Id"]
    if "MfaConfiguration" in properties:
        cognito.set_user_pool_mfa_config(
            UserPoolId=pool_id,
            MfaConfiguration=properties["MfaConfiguration"],
            SoftwareTokenMfaConfiguration={"Enabled": "SOFTWARE_TOKEN_MFA" in properties.get("EnabledMfas", [])},
        )
    return str(pool_id)


def read_pool(clients: Clients, pool_id: str) -> dict[str, Any]:
    cognito = clients("cognito-idp")
    pool = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]
    mfa = cognito.get_user_pool_mfa_config(UserPoolId=pool_id)
    totp = mfa.get("SoftwareTokenMfaConfiguration", {}).get("Enabled", False)
    return {
        **pool,
        "UserPoolName": pool["Name"],
        "Schema": pool["SchemaAttributes"],
        "MfaConfiguration": mfa["MfaConfiguration"],
        "EnabledMfas": ["SOFTWARE_TOKEN_MFA"] if totp else [],
    }


def create_client(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("cognito-idp").create_user_pool_client(**properties)["UserPoolClient"]["ClientId"])


def read_client(clients: Clients, client_id: str, *, pool_id: str) -> dict[str, Any]:
    found = clients("cognito-idp").describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
    client: dict[str, Any] = found["UserPoolClient"]
    return {**client, "GenerateSecret": "ClientSecret" in client}


def create_group(clients: Clients, properties: dict[str, Any]) -> str:
    return str(clients("cognito-idp").create_group(**properties)["Group"]["GroupName"])


def read_group(clients: Clients, name: str, *, pool_id: str) -> dict[str, Any]:
    group = clients("cognito-idp").get_group(UserPoolId=pool_id, GroupName=name)
    return dict(group["Group"])
