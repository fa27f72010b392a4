"""API keys: creation, authentication, revocation, and the tier limit that operators set for each organisation."""

import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from argus.core.backoff import Backoff
from argus.core.caller import Caller, CallingKey
from argus.core.clock import Clock
from argus.core.dynamo import Item
from argus.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, located
from argus.core.ids import Ids, is_id
from argus.core.paging import Listing
from argus.identity import key_text
from argus.identity.key_store import RETENTION, KeyStore
from argus.identity.model import ApiKey, KeyState, KeyTierLimit

MAX_KEYS = 50  # active keys of one organisation
MAX_STORED_KEYS = 500  # keys of one organisation, with those that ended: creating a key reads them all
USE_INTERVAL = timedelta(hours=1)  # between two recorded uses of a key
# Each attempt reads all keys, and fails if another key was created meanwhile. The last ends within five seconds.
_BACKOFF = Backoff(max_attempts=20, seconds=4.0, first_seconds=0.05, longest_seconds=0.8)

_log = logging.getLogger("argus.keys")


class InvalidKey(Unauthenticated):
    """The API key is not valid."""


class NoSuchKey(NotFound):
    """The API key does not exist."""


class ScopeNotAllowed(Forbidden):
    """A key cannot have scopes that its creator does not have, nor any scope to manage keys."""


class TierNotAllowed(Invalid):
    """The organisation's keys cannot have this tier."""


class TooManyKeys(Conflict):
    """The organisation has the maximum number of keys."""


class KeysBeingChanged(Conflict):
    """Other requests are changing keys of the organisation."""

    retry_after_seconds = 1


@dataclass(frozen=True)
class Keys:
    """API keys of all organisations; methods for a caller only use keys of the caller's organisation."""

    store: KeyStore
    tiers: tuple[str, ...]  # lowest first
    allowed_scopes: frozenset[str]  # scopes that a key can have
    clock: Clock
    ids: Ids
    random_bits: Callable[[int], int] = secrets.randbits
    backoff: Backoff = _BACKOFF

    # ------------------------------------------------------------ authentication

    def authenticate(self, text: str) -> Caller:
        """The caller that a key belongs to. Only a client with the whole key learns that it has expired."""
        ids = key_text.parse(text)
        if ids is None:
            raise InvalidKey("unknown")
        key = self.store.get(ids.organisation_id, ids.key_id)
        if key is None or not hmac.compare_digest(key.digest, key_text.digest(text)):
            raise InvalidKey("unknown")
        now = self.clock()
        match key.state(now):
            case KeyState.REVOKED:
                raise InvalidKey("unknown")
            case KeyState.EXPIRED:
                raise InvalidKey("expired")
        self._record_use(key, now)
        scopes = frozenset(key.scopes) & self.allowed_scopes
        return Caller(
            key.created_by, key.organisation_id, scopes, key=CallingKey(key.id, key.name, key.tier, key.expires_at)
        )

    # ------------------------------------------------------------ for callers

    def create(
        self, caller: Caller, *, name: str, scopes: list[str], expires_in_days: int, tier: str
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which cannot be read again."""
        with located("scopes"):
            if refused := set(scopes) - (caller.scopes & self.allowed_scopes):
                raise ScopeNotAllowed(scopes=", ".join(sorted(refused)))
        now = self.clock()
        key_id = self.ids.new("key")
        text = key_text.compose(key_id, caller.organisation_id, self.random_bits(key_text.SECRET_BITS))
        key = ApiKey(
            id=key_id,
            organisation_id=caller.organisation_id,
            name=name,
            digest=key_text.digest(text),
            scopes=tuple(sorted(set(scopes))),
            tier=tier,
            created_by=caller.user_id,
            created_at=now,
            expires_at=now + timedelta(days=expires_in_days),
        )
        for _ in self.backoff.attempts():
            if self.store.add(key, self._tier_limit_for(key)):
                return key, text
        raise KeysBeingChanged

    def get(self, caller: Caller, key_id: str) -> ApiKey:
        if not is_id(key_id, "key"):
            raise NoSuchKey("malformed")  # do not repeat it: it may be a key
        key = self.store.get(caller.organisation_id, key_id)
        if key is None:
            raise NoSuchKey("unknown", key_id=key_id)
        return key

    def list(self, caller: Caller, *, limit: int, after: Item | None) -> Listing[ApiKey]:
        return self.store.list(caller.organisation_id, limit=limit, after=after)

    def revoke(self, caller: Caller, key_id: str, *, check: Callable[[int], None]) -> None:
        """Revoke a key with immediate effect; repeating it changes nothing. `check` may reject the current version."""
        key = self.get(caller, key_id)
        check(key.version)
        self.store.revoke(key, self.clock())

    # ------------------------------------------------------------ for the operator

    def allow(self, organisation_id: str, tier: str) -> None:
        """Set the highest tier of an organisation's keys. Keys above it are lowered to it."""
        if tier not in self.tiers:
            raise TierNotAllowed("unknown", tier=tier, tiers=", ".join(self.tiers))
        for _ in self.backoff.attempts():
            before = self._tier_limit(organisation_id)
            if self.store.allow(organisation_id, KeyTierLimit(tier, before.version)):
                break
        else:
            raise KeysBeingChanged
        for key in self.store.all(organisation_id, self.clock()):
            if self._rank(key.tier) > self._rank(tier):
                self.store.lower(key, tier)

    # ------------------------------------------------------------

    def _tier_limit(self, organisation_id: str) -> KeyTierLimit:
        return self.store.tier_limit(organisation_id) or KeyTierLimit(self.tiers[0])

    def _tier_limit_for(self, key: ApiKey) -> KeyTierLimit:
        """The organisation's tier limit; raises unless the organisation may have one more key like this."""
        tier_limit = self._tier_limit(key.organisation_id)
        with located("tier"):
            if key.tier not in self.tiers or self._rank(key.tier) > self._rank(tier_limit.tier):
                raise TierNotAllowed("above_limit", tier=key.tier, highest=tier_limit.tier)
        states = [each.state(key.created_at) for each in self.store.all(key.organisation_id, key.created_at)]
        if states.count(KeyState.ACTIVE) >= MAX_KEYS:
            raise TooManyKeys("active", max_keys=MAX_KEYS)
        if len(states) >= MAX_STORED_KEYS:
            raise TooManyKeys("remembered", max_keys=MAX_STORED_KEYS, days=RETENTION.days)
        return tier_limit

    def _rank(self, tier: str) -> int:
        """A tier that was removed from the settings counts as the lowest."""
        return self.tiers.index(tier) if tier in self.tiers else 0

    def _record_use(self, key: ApiKey, now: datetime) -> None:
        """Record a use at most once an hour; the request succeeds even if this fails."""
        if key.last_used_at is not None and now - key.last_used_at < USE_INTERVAL:
            return
        try:
            self.store.record_use(key, now)
        except (BotoCoreError, ClientError, OSError) as error:
            _log.warning("the use of %s was not recorded", key.id, exc_info=error)
