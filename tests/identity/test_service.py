"""Authentication of users."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from argus.container import Container
from infra.embedded.aws import EmbeddedAws, StackOutputs
from services.local.demo.users import create_users
from tests.conftest import ISSUER, Issuer, Person

PASSWORD = "Correct-horse-9-battery"


def test_the_first_sign_in_creates_a_personal_organisation(owner: Person) -> None:
    me = owner.get("/me").get_json()
    assert (me["role"], me["organisation"]["name"], me["issuer"]) == ("owner", "Personal", ISSUER)
    assert me["user"]["id"].startswith("usr_")
    assert "images:write" in me["scopes"]


@pytest.mark.usefixtures("racing")
def test_eight_concurrent_first_sign_ins_create_one_organisation(argus: Container, issuer: Issuer) -> None:
    token = issuer.token(f"racer-{os.urandom(8).hex()}")
    with ThreadPoolExecutor(8) as pool:
        callers = list(pool.map(argus.identity.authenticate, [token] * 8))
    assert len(set(callers)) == 1
    members = argus.table("identity").query(f"{callers[0].organisation_id}#organisation", prefix="member#")
    assert [member["user_id"] for member in members.items] == [callers[0].user_id]


def test_the_same_subject_of_two_issuers_is_two_users(argus: Container) -> None:
    from argus.identity.model import Subject

    name = os.urandom(8).hex()
    first = argus.identity.create_organisation(Subject("https://one.example", name), "One")
    second = argus.identity.create_organisation(Subject("https://two.example", name), "Two")
    assert first.user_id != second.user_id
    assert first.organisation_id != second.organisation_id


def test_a_cognito_user_signs_in_with_a_password(
    argus: Container, aws: EmbeddedAws, outputs: StackOutputs, anonymous: Person
) -> None:
    cognito = aws.client("cognito-idp")
    create_users(argus, cognito, issuer=outputs.issuer, pool_id=outputs.user_pool_id, password=PASSWORD)
    roles = {}
    for email in ("owner@north.example", "viewer@north.example", "owner@south.example"):
        tokens = cognito.initiate_auth(
            ClientId=outputs.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        bearer = {"Authorization": f"Bearer {tokens['AccessToken']}"}
        me = anonymous.get("/me", headers=bearer).get_json()
        roles[email] = (me["organisation"]["name"], me["role"])
        wrong = anonymous.get("/me", headers={"Authorization": f"Bearer {tokens['IdToken']}"})
        assert wrong.status_code == 401
    assert roles == {
        "owner@north.example": ("North Geothermal", "owner"),
        "viewer@north.example": ("North Geothermal", "viewer"),
        "owner@south.example": ("South Geothermal", "owner"),
    }


def test_sign_in_lists_how_to_get_a_token(anonymous: Person, outputs: StackOutputs, aws: EmbeddedAws) -> None:
    (method,) = anonymous.get("/sign-in").get_json()["items"]
    assert method == {
        "issuer": outputs.issuer,
        "client_id": outputs.client_id,
        "endpoint": aws.endpoint_url,
        "region": "eu-west-1",
    }
