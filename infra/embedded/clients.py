"""boto3 clients of one embedded AWS, created once each."""

import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

DUMMY_CREDENTIAL = "local"  # key id and secret; signatures are not checked

# The server runs in this process: an error is final, and a retry would only delay it.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=60,
    read_timeout=300,
    max_pool_connections=32,
    s3={"addressing_style": "path"},
)


class Clients:
    """`clients("s3")` is the S3 client of this endpoint: always the same object, thread-safe.

    The clients use the dummy credential, which has all permissions, or `credentials` as STS returns them.
    """

    def __init__(self, *, endpoint_url: str, region: str, credentials: Mapping[str, str] | None = None) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        self._credentials = credentials or {"AccessKeyId": DUMMY_CREDENTIAL, "SecretAccessKey": DUMMY_CREDENTIAL}
        self._session = boto3.Session(
            aws_access_key_id=self._credentials["AccessKeyId"],
            aws_secret_access_key=self._credentials["SecretAccessKey"],
            aws_session_token=self._credentials.get("SessionToken"),
            region_name=region,
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()  # creating clients from a boto3 session is not thread-safe

    def __call__(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(service, endpoint_url=self.endpoint_url, config=_CONFIG)
            return self._clients[service]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which boto3 uses this AWS, with the same credentials, in any process."""
        token = self._credentials.get("SessionToken")
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self._credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self._credentials["SecretAccessKey"],
            **({"AWS_SESSION_TOKEN": token} if token else {}),
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def close(self) -> None:
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
