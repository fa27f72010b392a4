"""Which URLs may receive passwords and tokens."""

from argus.cli.errors import Misconfigured

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def require_encryption(url: str) -> None:
    """Require https, except for loopback addresses. Raises Misconfigured."""
    import httpx

    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Misconfigured(f"{url} is not a valid URL: {error}.") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise Misconfigured(f"{url} is not the URL of a server. Use the form https://host.")
    if address.scheme == "http" and address.host not in _LOOPBACK:
        raise Misconfigured(
            f"{url} does not use https. Use an https URL: passwords and tokens are never sent unencrypted."
        )
