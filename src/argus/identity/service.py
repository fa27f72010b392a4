"""From a token to a caller; organisations and their members."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from argus.core.caller import Caller
from argus.core.clock import Clock
from argus.core.errors import Conflict, NotFound
from argus.core.ids import Ids
from argus.identity.model import Membership, Organisation, Role, Subject
from argus.identity.store import IdentityStore


class AlreadyMember(Conflict):
    """The user belongs to an organisation already."""


class NoSuchOrganisation(NotFound):
    """There is no such organisation."""


@dataclass(frozen=True)
class Identity:
    """Who is calling."""

    store: IdentityStore
    verify: Callable[[str], Subject]  # what a token says, if it is true
    role_scopes: Mapping[str, frozenset[str]]
    clock: Clock
    ids: Ids

    def authenticate(self, token: str) -> Caller:
        """The caller a token speaks of; someone seen for the first time gets an organisation of their own."""
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

    def found(self, subject: Subject, name: str) -> Membership:
        """A new organisation, owned by the subject."""
        organisation = Organisation(self.ids.new("org"), name, self.clock())
        membership = Membership(self.ids.new("usr"), organisation.id, Role.OWNER)
        if not self.store.found(organisation, subject, membership):
            raise AlreadyMember(subject=subject.id)
        return membership

    def add_member(self, subject: Subject, organisation_id: str, role: Role) -> Membership:
        """Make the subject a member of an organisation."""
        membership = Membership(self.ids.new("usr"), organisation_id, role)
        if not self.store.join(subject, membership):
            raise AlreadyMember(subject=subject.id)
        return membership

    def _provision_first_sign_in(self, subject: Subject) -> Membership:
        """First sign-in. Two at once both try; one founds the organisation and the other finds it."""
        try:
            return self.found(subject, "Personal")
        except AlreadyMember:
            membership = self.store.membership(subject)
            if membership is None:
                raise
            return membership
