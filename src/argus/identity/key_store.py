"""API keys in the identity table.

| item | pk | sk |
|---|---|---|
| API key | `<organisation>#keys` | `<key>` |
| tier_limit | `<organisation>#keys` | `tier_limit` |

The text of a key contains the ids of its organisation and of the key, so that one read finds it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import ConditionFailed, Item, Put, Table, TransactionConflict
from argus.core.paging import Listing
from argus.identity.model import ApiKey, KeyTierLimit

RETENTION = timedelta(days=90)  # after a key ends, its record can still be read
_KEYS = "key_"
_TIMES = ("created_at", "last_used_at", "revoked_at")


def _pk(organisation_id: str) -> str:
    return f"{organisation_id}#keys"


@dataclass(frozen=True)
class KeyStore:
    """API keys, and the tier limit of each organisation. `fail_fast` is the same table, for writes that may fail."""

    table: Table
    fail_fast: Table

    def get(self, organisation_id: str, key_id: str) -> ApiKey | None:
        item = self.table.get(_pk(organisation_id), key_id)
        return _key(item) if item else None

    def list(self, organisation_id: str, *, limit: int, after: Item | None) -> Listing[ApiKey]:
        page = self.table.query(_pk(organisation_id), prefix=_KEYS, newest_first=True, limit=limit, after=after)
        return Listing([_key(item) for item in page.items], page.last_key)

    def all(self, organisation_id: str, now: datetime) -> Iterator[ApiKey]:
        """Every key that is still retained; DynamoDB may delete expired items two days late."""
        for item in self.table.query_all(_pk(organisation_id), prefix=_KEYS):
            if item["expires_at"] > now.timestamp():
                yield _key(item)

    def tier_limit(self, organisation_id: str) -> KeyTierLimit | None:
        item = self.table.get(_pk(organisation_id), "tier_limit")
        return KeyTierLimit(item["tier"], item["version"]) if item else None

    def add(self, key: ApiKey, tier_limit: KeyTierLimit) -> bool:
        """Store a key; False if another key was created, or the tier limit changed, since the tier limit was read.

        Also false if that happens at the same moment: repeating the transaction could only fail.
        """
        return self._write_limit(key.organisation_id, tier_limit, Put(_item(key), when="attribute_not_exists(pk)"))

    def allow(self, organisation_id: str, tier_limit: KeyTierLimit) -> bool:
        """Store the tier limit; False if it changed since it was read."""
        return self._write_limit(organisation_id, tier_limit)

    def change(self, key: ApiKey, changes: Item, *, when: str, values: Item) -> bool:
        """Write some attributes and the next version; False if the condition `when` does not hold."""
        changed = {**changes, "version": key.version + 1}
        try:
            self.table.update(_pk(key.organisation_id), key.id, changes=changed, when=when, values=values)
        except ConditionFailed:
            return False
        return True

    def revoke(self, key: ApiKey, now: datetime) -> bool:
        """Revoke a key; its retention starts now, or when it expired. False if it is already revoked."""
        changes = {"revoked_at": rfc3339(now), "expires_at": _deleted_at(min(now, key.expires_at))}
        return self.change(key, changes, when="#revoked_at = :none", values={":none": None})

    def lower(self, key: ApiKey, tier: str) -> bool:
        """Lower the tier of a key; False if its tier has changed."""
        return self.change(key, {"tier": tier}, when="#tier = :tier", values={":tier": key.tier})

    def record_use(self, key: ApiKey, now: datetime) -> None:
        """Record a use, unless another request did since the key was read. One attempt with a short timeout."""
        seen = rfc3339(key.last_used_at) if key.last_used_at else None
        try:
            self.fail_fast.update(
                _pk(key.organisation_id),
                key.id,
                changes={"last_used_at": rfc3339(now)},
                when="#last_used_at = :seen",
                values={":seen": seen},
            )
        except ConditionFailed:
            return

    def _write_limit(self, organisation_id: str, tier_limit: KeyTierLimit, *puts: Put) -> bool:
        item = {
            "pk": _pk(organisation_id),
            "sk": "tier_limit",
            "tier": tier_limit.tier,
            "version": tier_limit.version + 1,
        }
        unchanged = "attribute_not_exists(pk) OR #version = :version"
        limit = Put(item, when=unchanged, values={":version": tier_limit.version})
        try:
            self.table.transact([limit, *puts], retry_conflicts=False)
        except (ConditionFailed, TransactionConflict):
            return False
        return True


def _deleted_at(ended_at: datetime) -> int:
    return int((ended_at + RETENTION).timestamp())


def _item(key: ApiKey) -> Item:
    times = {name: rfc3339(at) if (at := getattr(key, name)) else None for name in _TIMES}
    return {
        "pk": _pk(key.organisation_id),
        "sk": key.id,
        **asdict(key),
        **times,
        "ends_at": rfc3339(key.expires_at),
        "expires_at": _deleted_at(key.expires_at),  # when DynamoDB deletes the item, as in every table
    }


def _key(item: Item) -> ApiKey:
    attributes = {name: value for name, value in item.items() if name not in ("pk", "sk", "ends_at")}
    times = {name: from_rfc3339(item[name]) if item[name] else None for name in _TIMES}
    return ApiKey(
        **{**attributes, **times, "scopes": tuple(item["scopes"]), "expires_at": from_rfc3339(item["ends_at"])}
    )
