"""Masks secrets and personal contact data in logs, traces and error reports.

Messages, tracebacks and errors of libraries are unstructured and may contain anything, so the filter works on the
finished text and recognises secrets by their format. A pattern runs only if a cheap test finds a sign of it: most lines
have none, and cost a few microseconds. No pattern backtracks quadratically: the time is linear in the length of the
text.
"""

import re
from collections.abc import Callable

# Names whose values are secret, also as part of a longer name: `client_secret`, `X-API-Key`, `refreshToken`.
_SECRET_NAMES = (
    *(
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "api_key",
        "api-key",
        "apikey",
        "access_key",
        "access-key",
    ),
    *("accesskey", "authorization", "cookie", "signature", "credential", "policy"),
)
# A value in JSON, Python, headers or query strings. In JSON inside JSON quotes are escaped: a string ends at the quote
# that follows as many backslashes as its opening quote.
_VALUE = r"""(?:(?P<slashes>\\*)"(?:(?!(?<!\\)(?P=slashes)").)*|'[^']*|(?:(?:bearer|basic)\s+)?[^\s&"',;}\\]+)"""


def _contains(*signs: str) -> Callable[[str, str], bool]:
    return lambda text, _lower: any(sign in text for sign in signs)


def _contains_lower(*signs: str) -> Callable[[str, str], bool]:
    return lambda _text, lower: any(sign in lower for sign in signs)


def _matches(pattern: str) -> Callable[[str, str], bool]:
    search = re.compile(pattern).search
    return lambda text, _lower: search(text) is not None


# (sign, pattern, replacement), applied in this order.
_MASKS = (
    (
        _contains("PRIVATE KEY"),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)", re.DOTALL),
        "[private key]",
    ),
    (_contains("eyJ"), re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*)*"), "[token]"),
    (
        _contains_lower(*_SECRET_NAMES),
        re.compile(rf"(?i)((?:{'|'.join(_SECRET_NAMES)})[\w-]{{0,40}}\\*[\"']?\s*(?:[=:]|%3D)\s*){_VALUE}"),
        r"\1[secret]",
    ),
    (_contains_lower("bearer ", "basic "), re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 [secret]"),
    (_contains("://"), re.compile(r"(?<=://)[^/\s:@\"]+:[^/\s@\"]+(?=@)"), "[secret]"),
    (
        _contains("_live_", "_test_", "xox", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        re.compile(r"\b(?:[spr]k_(?:live|test)_|gh[pousr]_|xox[abeprs]-|whsec_)[\w-]{10,}"),
        "[secret]",
    ),
    (
        _contains("argus_"),
        re.compile(r"argus_\w{30,}"),
        "[API key]",
    ),  # 26 characters are the key id; the rest is secret
    (_contains("AKIA", "ASIA"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), "[access key]"),
    (  # an AWS secret key: 40 characters of base64 with lower case, upper case and digits
        _matches(r"[A-Za-z0-9/+]{40}"),
        re.compile(
            r"(?<![\w/+=-])(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])(?=[A-Za-z/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=-])"
        ),
        "[secret]",
    ),
    (_contains("@", "%40"), re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), "[mail]"),
    (  # E.164, with or without separators
        _contains("+", "%2B", "%2b"),
        re.compile(r"(?i)(?<![\w.:-])(?:\+|%2B)[1-9][\d ().-]{6,}\d\b"),
        "[phone]",
    ),
    (  # North American format
        _matches(r"\d{3}[ .-]\d{4}"),
        re.compile(r"(?<![\w.-])\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}\b"),
        "[phone]",
    ),
)


def mask(text: str) -> str:
    """The text without secrets, e-mail addresses and phone numbers."""
    lower = text.lower()
    for sign, pattern, replacement in _MASKS:
        if sign(text, lower):
            text = pattern.sub(replacement, text)
    return text
