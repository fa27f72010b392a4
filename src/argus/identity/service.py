"""Authenticates tokens; creates organisations and adds members."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from argus.core.caller import Caller
from argus.core.clock import Clock
from argus.core.errors import Conflict, NotFound
from argus.core.ids import Ids
from argus.identity.model import Membership, Organisation, Role, Subject
from argus.identity.store import IdentityStore


class AlreadyMember(Conflict):
    """The user already belongs to an organisation."""


class NoSuchOrganisation(NotFound):
    """The organisation does not exist."""


@dataclass(frozen=True)
class Identity:
    """Authentication and organisations."""

    store: IdentityStore
    verify: Callable[[str], Subject]  # verifies a token; raises InvalidToken
    role_scopes: Mapping[str, frozenset[str]]
    clock: Clock
    ids: Ids

    def authenticate(self, token: str) -> Caller:
        """The caller of a token; a new subject gets an organisation of its own."""
        subject = self.verify(token)
        membership = self.store.membership(subject) or self._provision_first_sign_in(subject)
        return Caller(
            membership.user_id,
            membership.organisation_id,
            self.role_scopes.get(membership.role, frozenset()),
            role=membership.role,
            issuer=subject.issuer,
        )

    def organisation(self, organisation_id: str) -> Organisation:
        organisation = self.store.organisation(organisation_id)
        if organisation is None:
            raise NoSuchOrganisation(organisation_id=organisation_id)
        return organisation

    def create_organisation(self, subject: Subject, name: str) -> Membership:
        """Create an organisation that the subject owns."""
        organisation = Organisation(self.ids.new("org"), name, self.clock())
        membership = Membership(self.ids.new("usr"), organisation.id, Role.OWNER)
        if not self.store.create_organisation(organisation, subject, membership):
            raise AlreadyMember(subject=subject.id)
        return membership

    def add_member(self, subject: Subject, organisation_id: str, role: Role) -> Membership:
        """Make the subject a member of an organisation."""
        membership = Membership(self.ids.new("usr"), organisation_id, role)
        if not self.store.add_member(subject, membership):
            raise AlreadyMember(subject=subject.id)
        return membership

    def _provision_first_sign_in(self, subject: Subject) -> Membership:
        """Handle a first sign-in. Of two concurrent ones, one creates the organisation and the other reads it."""
        try:
            return self.create_organisation(subject, "Personal")
        except AlreadyMember:
            membership = self.store.membership(subject)
            if membership is None:
                raise
            return membership
