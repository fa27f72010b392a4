"""Keys of the identity table.

| item | pk | sk |
|---|---|---|
| subject → membership | `subject#<sha256 of issuer and subject>` | `membership` |
| organisation | `<organisation>#organisation` | `organisation` |
| member | `<organisation>#organisation` | `member#<user>` |

Only the key of a subject does not begin with an organisation: it finds the caller's organisation.
"""

import hashlib
from dataclasses import dataclass

from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import ConditionFailed, Put, Table
from argus.identity.model import Membership, Organisation, Role, Subject


def _subject_key(subject: Subject) -> str:
    parts = f"{len(subject.issuer)}:{subject.issuer}{subject.id}"
    return f"subject#{hashlib.sha256(parts.encode()).hexdigest()}"


@dataclass(frozen=True)
class IdentityStore:
    """Organisations and their members."""

    table: Table

    def membership(self, subject: Subject) -> Membership | None:
        item = self.table.get(_subject_key(subject), "membership")
        return Membership(item["user_id"], item["organisation_id"], Role(item["role"])) if item else None

    def organisation(self, organisation_id: str) -> Organisation | None:
        item = self.table.get(f"{organisation_id}#organisation", "organisation")
        return Organisation(item["id"], item["name"], from_rfc3339(item["created_at"])) if item else None

    def create_organisation(self, organisation: Organisation, subject: Subject, membership: Membership) -> bool:
        """Create an organisation with its first member; False if the subject already belongs to an organisation."""
        item = {
            "pk": f"{organisation.id}#organisation",
            "sk": "organisation",
            "id": organisation.id,
            "name": organisation.name,
            "created_at": rfc3339(organisation.created_at),
        }
        return self._write([Put(item), *self._membership_puts(subject, membership)])

    def add_member(self, subject: Subject, membership: Membership) -> bool:
        """Add a member to an organisation; False if the subject already belongs to one."""
        return self._write(self._membership_puts(subject, membership))

    def _membership_puts(self, subject: Subject, membership: Membership) -> list[Put]:
        attributes = {
            "user_id": membership.user_id,
            "organisation_id": membership.organisation_id,
            "role": membership.role.value,
            "issuer": subject.issuer,
            "subject": subject.id,
        }
        return [
            Put({"pk": _subject_key(subject), "sk": "membership", **attributes}, when="attribute_not_exists(pk)"),
            Put(
                {"pk": f"{membership.organisation_id}#organisation", "sk": f"member#{membership.user_id}", **attributes}
            ),
        ]

    def _write(self, puts: list[Put]) -> bool:
        try:
            self.table.transact(puts)
        except ConditionFailed:
            return False
        return True
