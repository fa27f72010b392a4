"""boto3 clients of one embedded AWS, made once each."""

import threading
from typing import Any

import boto3
from botocore.config import Config

DUMMY_CREDENTIAL = "local"  # signatures are not checked; both halves of the key may say so

# The server stands in this process: an error is final, and a retry would only delay its message.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=32,
    s3={"addressing_style": "path"},
)


class Clients:
    """`clients("s3")` is the S3 client of this endpoint; the same object every time, safe to use from many threads."""

    def __init__(self, *, endpoint_url: str, region: str) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        self._session = boto3.Session(
            aws_access_key_id=DUMMY_CREDENTIAL, aws_secret_access_key=DUMMY_CREDENTIAL, region_name=region
        )
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()  # boto3 sessions may not make two clients at once

    def __call__(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._session.client(service, endpoint_url=self.endpoint_url, config=_CONFIG)
            return self._made[service]

    def close(self) -> None:
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()
