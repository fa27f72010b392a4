"""Web origins and URLs in settings.

Browsers send an origin in `Origin` as RFC 6454, section 6.2, serialises it: scheme, host, and the port unless it is the
default. Allowed origins are compared with it as text, so only this form is accepted: another one would never match, or
a library would take it for a pattern.
"""

import ipaddress
import re

DEFAULT_PORTS = {"http": "80", "https": "443"}
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# A host whose last label is a number is an IPv4 address: WHATWG URL, "ends in a number checker".
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ORIGIN = re.compile(r"(?P<scheme>[a-z]+)://(?P<host>\[[0-9a-f:]+\]|[a-z0-9.-]+)(:(?P<port>[1-9][0-9]{0,4}))?")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")


def check_origin(text: str, *, allow_http: bool = False) -> None:
    """Raise ValueError unless the text is a serialised origin. `http` is for loopback hosts unless it is allowed."""
    found = _ORIGIN.fullmatch(text)
    scheme, host, port = found.group("scheme", "host", "port") if found else ("", "", None)
    if (
        scheme not in DEFAULT_PORTS
        or not is_host(host)
        or port == DEFAULT_PORTS[scheme]
        or (port and int(port) > 65_535)
    ):
        raise ValueError(
            f"{text[:400]!r} is not an origin: write it as browsers send it in Origin, such as "
            "https://console.example.com or https://console.example.com:8443, in lower case (IDNA names as xn--…), "
            "without a path, a user, a default port, * or another pattern"
        )
    if scheme == "http" and not allow_http and not _is_loopback(host):
        raise ValueError(f"{text!r} is not encrypted: use https; http is only for loopback hosts and local stages")


def is_url(text: str, *schemes: str) -> bool:
    """Whether the text is a URL with one of the schemes, a host, and at most a port and a path."""
    scheme, separator, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    found = _ORIGIN.fullmatch(f"{scheme}{separator}{authority}")
    return bool(found and scheme in schemes and is_host(found["host"]) and _PATH.fullmatch(slash + path))


def is_host(text: str) -> bool:
    """Whether the text is a host as URLs contain it: a name in lower case, or an address in its shortest form."""
    if text.startswith("["):
        return _is_address(text[1:-1], ipaddress.IPv6Address)
    labels = text.split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        return _is_address(text, ipaddress.IPv4Address)
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def _is_address(text: str, kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]) -> bool:
    try:
        return str(kind(text)) == text
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
