"""Where passwords and tokens may be sent."""

from argus.cli.errors import Misconfigured

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def refuse_eavesdroppers(url: str) -> None:
    """Passwords and tokens travel encrypted, or stay on this machine. Raises Misconfigured."""
    import httpx

    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Misconfigured(f"{url} is no URL: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise Misconfigured(f"{url} is no address of an Argus; write https://host")
    if address.scheme == "http" and address.host not in _THIS_MACHINE:
        raise Misconfigured(f"{url} is not https; passwords and tokens are not sent in the clear")
