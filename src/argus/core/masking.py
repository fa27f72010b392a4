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
    *("password", "passwd", "passphrase", "secret", "token", "signature", "credential", "policy"),
    *("api_key", "api-key", "apikey", "access_key", "access-key", "accesskey"),
    *("private_key", "private-key", "privatekey", "authorization", "cookie"),
)
# What a text that names a secret contains.
_NAME_SIGNS = (
    *("pass", "pwd", "secret", "token", "signature", "credential", "policy", "api_key", "api-key", "apikey"),
    *("access", "private", "authorization", "cookie"),
)
# `pwd` and `pass` as whole words, as in `db_pass` and `dbPass`; but test reports have `pass: 3` and `PASS: name`.
_SHORT_NAME = (
    r"(?:(?<![^\W_])(?:pwd|pass)|(?-i:(?<=[a-z0-9])(?:Pwd|Pass)))(?![\w-])"
    r"(?!(?-i:(?<=\bPASS): )|[\"']?\s*[=:]\s*(?:\d{1,3}|true|false|ok)\b)"
)
_NAME = rf"(?:(?:{'|'.join(_SECRET_NAMES)})[\w-]{{0,40}}+|{_SHORT_NAME})"
# Quotes and separators, also escaped once or several times: for JSON, URLs and HTML.
_QUOTE = r"(?:\\*[\"']|\\+u002[27]|%(?:25){0,4}2[27]|&(?:amp;)?(?:quot|apos|\#0*3[49]|\#x2[27]);)"
_SEPARATOR = r"(?:[=:]|\\+u003[ad]|%(?:25){0,4}3[ad]|&(?:amp;)?\#(?:0*58|0*61|x3[ad]);)"
_GAP = r"(?:\s|\\+[nrt])*"
_IS = rf"(?:\]|%(?:25){{0,4}}5d)?{_QUOTE}?{_GAP}{_SEPARATOR}{_GAP}"  # between name and value
_PLACEHOLDER = r"\[(?:secret|token|API key|access key|private key|mail|phone)\]"
# A value in JSON, Python, headers or query strings, up to its closing quote. In JSON inside JSON quotes are escaped: a
# string ends at the quote that follows as many backslashes as its opening quote, or none if the inner string is cut.
# Lists and objects end at a bracket.
_QUOTED = (
    r"[bru]{0,2}(?P<quote>\\*(?P<mark>[\"'])|\\+u002[27]|&(?:amp;)?(?:quot|apos|\#0*3[49]|\#x2[27]);)"
    r"(?:(?!(?<!\\)(?:(?P=quote)|(?P=mark)))(?s:.))"
)
_VALUE = (
    rf"(?:{_QUOTED}*|(?!{_PLACEHOLDER})[\[({{][^\])}}\n]*[\])}}]?|"
    r"""(?:(?:bearer|basic)\s+)?[^\s&"',;}\\]+)"""
)
_PAIRED_NAME = rf"(?P<of_name>{_QUOTE})[\w-]{{0,40}}{_NAME}(?P=of_name)"
_NAME_MEMBER = rf"\b(?:name|key|header|field){_QUOTE}?{_GAP}{_SEPARATOR}{_GAP}[bru]{{0,2}}"
_VALUE_MEMBER = rf"\bvalue{_QUOTE}?{_GAP}{_SEPARATOR}{_GAP}"
_MAX_PAIRED = 4096  # characters of a value before its name: limits the time for values that have none


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
    (  # the header to the end of its line or string: a cookie may be any of its values
        _contains_lower("cookie"),
        re.compile(
            r"(?i)(cookie2?:\s*)(?=[^\s\"'\\])"
            r"(?:[^\r\n\"'\\]|'(?!\s*(?:[,)\]}]|$))|(?<==)(?P<quote>\\*\")[^\r\n\"\\]*(?P=quote))*"
        ),
        r"\1[secret]",
    ),
    (
        _contains_lower("cookie"),
        re.compile(r"(?i)(cookies?=)[^\s;&\"'\\,[({]+(?:;\s*[^\s;&\"'\\]+)+"),
        r"\1[secret]",
    ),
    (  # `('password', 'x')` and `["password", "x"]`
        _contains_lower(*_NAME_SIGNS),
        re.compile(
            rf"(?i)([\[(]{_GAP}[bru]{{0,2}}{_PAIRED_NAME}{_GAP},{_GAP})"
            rf"{_QUOTED}{{0,{_MAX_PAIRED}}}+(?=(?P=quote){_GAP},?{_GAP}[\])])"
        ),
        r"\1[secret]",
    ),
    (  # `{"name": "password", "value": "x"}`
        _contains_lower("value"),
        re.compile(rf"(?i)({_NAME_MEMBER}{_PAIRED_NAME}{_GAP},{_GAP}{_QUOTE}?{_VALUE_MEMBER}){_VALUE}"),
        r"\1[secret]",
    ),
    (  # `{"value": "x", "name": "password"}`
        _contains_lower("value"),
        re.compile(
            rf"(?i)({_VALUE_MEMBER}){_QUOTED}{{0,{_MAX_PAIRED}}}+"
            rf"(?=(?P=quote){_GAP},{_GAP}{_QUOTE}?{_NAME_MEMBER}{_PAIRED_NAME})"
        ),
        r"\1[secret]",
    ),
    (  # the private members of a JSON Web Key (RFC 7518 §6)
        _contains("kty"),
        re.compile(rf"({_QUOTE}(?:d|p|q|dp|dq|qi|k)(?i:{_IS}))(?i:{_VALUE})"),
        r"\1[secret]",
    ),
    (
        _contains_lower(*_NAME_SIGNS),
        re.compile(rf"(?i)({_NAME}{_IS}){_VALUE}"),
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
