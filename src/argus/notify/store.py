"""Keys of the notify table.

| item | pk | sk | gsi1pk |
|---|---|---|---|
| connection | `<organisation>#connections` | `<connection>` | `connection#<connection>` |

$disconnect names only the connection. The index, which projects keys only, finds its organisation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from argus.core.clock import from_rfc3339, rfc3339
from argus.core.dynamo import Item, Table
from argus.notify.model import Connection


def _pk(organisation_id: str) -> str:
    return f"{organisation_id}#connections"


def _index_key(connection_id: str) -> str:
    return f"connection#{connection_id}"


@dataclass(frozen=True)
class ConnectionsStore:
    """Open connections."""

    table: Table

    def add(self, connection: Connection) -> None:
        """Store a connection; repeating it changes nothing."""
        self.table.put(
            {
                "pk": _pk(connection.organisation_id),
                "sk": connection.id,
                "gsi1pk": _index_key(connection.id),
                "organisation_id": connection.organisation_id,
                "user_id": connection.user_id,
                "scopes": sorted(connection.scopes),
                "connected_at": rfc3339(connection.connected_at),
                "expires_at": int(connection.ends_at.timestamp()),
            }
        )

    def of(self, organisation_id: str) -> Iterator[Connection]:
        """The connections of an organisation, including expired ones that DynamoDB has not deleted yet."""
        return map(_connection, self.table.query_all(_pk(organisation_id)))

    def remove(self, connection: Connection) -> None:
        self.table.delete(_pk(connection.organisation_id), connection.id)

    def remove_by_id(self, connection_id: str) -> None:
        """Delete the connection with this id. The index lags some milliseconds behind the table."""
        for item in self.table.query(_index_key(connection_id), index="gsi1").items:
            self.table.delete(item["pk"], item["sk"])


def _connection(item: Item) -> Connection:
    return Connection(
        id=item["sk"],
        organisation_id=item["organisation_id"],
        user_id=item["user_id"],
        connected_at=from_rfc3339(item["connected_at"]),
        scopes=frozenset(item["scopes"]),
    )
