"""Secrets by reference: a setting names where a secret is stored, and it is fetched on first use.

`ssm:/argus/production/cursor-secret` is a parameter of SSM Parameter Store, decrypted; `secretsmanager:NAME-OR-ARN` is
the text of a secret in Secrets Manager. Any other value is the secret itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from argus.core.errors import Unavailable

_PARAMETER, _SECRET = "ssm:", "secretsmanager:"


class SecretUnavailable(Unavailable):
    """A secret cannot be fetched."""


def is_reference(setting: str) -> bool:
    return setting.startswith((_PARAMETER, _SECRET))


@dataclass(frozen=True)
class Secrets:
    """Fetches secrets, each once per process."""

    client: Callable[[str], Any]  # by service name
    _cached: dict[str, str] = field(default_factory=dict, repr=False)

    def reveal(self, setting: str) -> str:
        """The secret that a setting references or contains. Raises SecretUnavailable."""
        if not is_reference(setting):
            return setting
        if setting not in self._cached:
            self._cached[setting] = self._fetch(setting)
        return self._cached[setting]

    def _fetch(self, reference: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        kind, _, name = reference.partition(":")
        try:
            if kind == "ssm":
                response = self.client("ssm").get_parameter(Name=name, WithDecryption=True)
                return str(response["Parameter"]["Value"])
            return str(self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        except (BotoCoreError, ClientError, KeyError) as error:
            raise SecretUnavailable(f"{reference}: {error}") from error
