"""Links signed by a role, which expire no later than its credentials."""

from dataclasses import replace
from datetime import timedelta

import pytest

from argus.container import Container
from argus.core.settings import Settings
from tests.conftest import MovableClock

ROLE = "arn:aws:iam::123456789012:role/argus-test-eu-west-1-links"


@pytest.fixture
def signing(settings: Settings, clock: MovableClock) -> Container:
    return Container(replace(settings, link_role=ROLE, link_seconds=6 * 3600), clock=clock)


def test_a_link_expires_no_later_than_its_credentials(signing: Container, clock: MovableClock) -> None:
    credentials = signing.link_credentials()
    assert credentials.token
    assert credentials.expires_at is not None
    for minutes in (0, 10, 17):
        clock.move(minutes=minutes)
        link = signing.links.get("org_a/images/img_b/original")
        held = signing.link_credentials().expires_at
        assert held is not None
        assert link.expires_at <= held
        assert link.expires_at - clock() > timedelta(minutes=29)


def test_the_role_is_assumed_once_and_again_before_it_expires(signing: Container, clock: MovableClock) -> None:
    first = signing.link_credentials()
    assert signing.link_credentials() == first
    clock.move(minutes=31)
    assert signing.link_credentials() != first


def test_without_a_role_the_processs_own_credentials_sign(argus: Container) -> None:
    assert argus.link_credentials() == argus.aws.credentials()
