"""The one filter that keeps secrets and people's addresses out of what Argus writes about itself.

What is not structured — messages, tracebacks, the text of other libraries' errors — can carry anything, so the filter
reads the finished text and knows secrets by their looks. A pattern is tried only where a cheap sign of it is in the
text: most lines carry none, and a line costs some microseconds. No pattern tries one place of the text again and again:
a megabyte of anything is filtered in the time it takes to read it.
"""

import re
from collections.abc import Callable

# Words whose value is nobody's business, however they are spelt around: `client_secret`, `X-API-Key`, `refreshToken`.
_TELLING = (
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
# A value as JSON, Python, headers and query strings write it. In JSON inside JSON quotes stand escaped: a text ends at
# the quote before which stand as many backslashes as before the one that began it.
_VALUE = r"""(?:(?P<slashes>\\*)"(?:(?!(?<!\\)(?P=slashes)").)*|'[^']*|(?:(?:bearer|basic)\s+)?[^\s&"',;}\\]+)"""


def _with_any(*signs: str) -> Callable[[str, str], bool]:
    return lambda text, _lower: any(sign in text for sign in signs)


def _with_any_lower(*signs: str) -> Callable[[str, str], bool]:
    return lambda _text, lower: any(sign in lower for sign in signs)


def _found(pattern: str) -> Callable[[str, str], bool]:
    search = re.compile(pattern).search
    return lambda text, _lower: search(text) is not None


# (sign, pattern, what stands there instead), in this order.
_MASKS = (
    (
        _with_any("PRIVATE KEY"),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)", re.DOTALL),
        "[private key]",
    ),
    (_with_any("eyJ"), re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*)*"), "[token]"),
    (
        _with_any_lower(*_TELLING),
        re.compile(rf"(?i)((?:{'|'.join(_TELLING)})[\w-]{{0,40}}\\*[\"']?\s*(?:[=:]|%3D)\s*){_VALUE}"),
        r"\1[secret]",
    ),
    (_with_any_lower("bearer ", "basic "), re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 [secret]"),
    (_with_any("://"), re.compile(r"(?<=://)[^/\s:@\"]+:[^/\s@\"]+(?=@)"), "[secret]"),
    (
        _with_any("_live_", "_test_", "xox", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        re.compile(r"\b(?:[spr]k_(?:live|test)_|gh[pousr]_|xox[abeprs]-|whsec_)[\w-]{10,}"),
        "[secret]",
    ),
    (
        _with_any("argus_"),
        re.compile(r"argus_\w{30,}"),
        "[API key]",
    ),  # 26 name the key; what follows is nobody's business
    (_with_any("AKIA", "ASIA"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), "[access key]"),
    (  # an AWS secret key: forty characters of base64, with small and capital letters and digits among them
        _found(r"[A-Za-z0-9/+]{40}"),
        re.compile(
            r"(?<![\w/+=-])(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])(?=[A-Za-z/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=-])"
        ),
        "[secret]",
    ),
    (_with_any("@", "%40"), re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), "[mail]"),
    (  # E.164, with separators or without
        _with_any("+", "%2B", "%2b"),
        re.compile(r"(?i)(?<![\w.:-])(?:\+|%2B)[1-9][\d ().-]{6,}\d\b"),
        "[phone]",
    ),
    (  # as North America writes them
        _found(r"\d{3}[ .-]\d{4}"),
        re.compile(r"(?<![\w.-])\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}\b"),
        "[phone]",
    ),
)


def mask(text: str) -> str:
    """The text with everything that looks like a secret or an address taken out."""
    lower = text.lower()
    for sign, pattern, instead in _MASKS:
        if sign(text, lower):
            text = pattern.sub(instead, text)
    return text
