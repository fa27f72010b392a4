"""Secrets by reference: a setting says where a secret is kept, and it is fetched when it is first needed.

`ssm:/argus/production/cursor-secret` is a parameter of SSM Parameter Store, decrypted; `secretsmanager:NAME-OR-ARN` the
text of a secret in Secrets Manager. Whatever else a setting holds is the secret itself.
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
    """Where secrets are fetched; each once in the life of a process."""

    client: Callable[[str], Any]  # by the name of a service
    _known: dict[str, str] = field(default_factory=dict, repr=False)

    def reveal(self, setting: str) -> str:
        """The secret that a setting names or is; raise `SecretUnavailable`."""
        if not is_reference(setting):
            return setting
        if setting not in self._known:
            self._known[setting] = self._fetch(setting)
        return self._known[setting]

    def _fetch(self, reference: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        kind, _, name = reference.partition(":")
        try:
            if kind == "ssm":
                found = self.client("ssm").get_parameter(Name=name, WithDecryption=True)
                return str(found["Parameter"]["Value"])
            return str(self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        except (BotoCoreError, ClientError, KeyError) as error:
            raise SecretUnavailable(f"{reference}: {error}") from error
