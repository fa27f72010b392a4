"""Masks secrets and personal contact data in logs, traces and error reports.

Messages, tracebacks and errors of libraries are unstructured and may contain anything, so the filter works on the
finished text and recognises secrets by their format. The log masks each field before it becomes JSON, so that a mask
that goes too far changes no other field. A pattern runs only if a cheap test finds a sign of it: most lines have none,
and cost a few microseconds. No pattern backtracks quadratically: the time is linear in the length of the text.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

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
# `pwd`, and `pass` as a word or after a usual word: `db_pass`, `dbPass`, `userpass`, but not `bypass`. Test reports
# have `pass: 3` and `PASS: name`.
_SHORT_NAME = (
    r"(?:pwd|(?:(?<![^\W_])|user|db|smtp|ftp|mail|admin|root)pass|(?-i:(?<=[a-z0-9])Pass))(?![\w-])"
    r"(?!(?-i:(?<=\bPASS): )|[\"']?\s*[=:]\s*(?:\d{1,3}|true|false|ok)\b)"
)
_NAME = rf"(?:(?:{'|'.join(_SECRET_NAMES)})[\w-]{{0,40}}+|{_SHORT_NAME})"
# Quotes and separators, also escaped once or several times: for JSON, URLs and HTML.
_CODED_QUOTE = r"\\+u002[27]|&(?:amp;)?(?:quot|apos|\#0*3[49]|\#x2[27]);"
_QUOTE = rf"(?:\\*[\"']|%(?:25){{0,4}}2[27]|{_CODED_QUOTE})"
_SEPARATOR = r"(?:[=:]|\\+u003[ad]|%(?:25){0,4}3[ad]|&(?:amp;)?\#(?:0*58|0*61|x3[ad]);)"
_GAP = r"(?:\s|\\+[nrt])*"
_IS = rf"(?:\]|%(?:25){{0,4}}5d)?{_QUOTE}?{_GAP}{_SEPARATOR}{_GAP}"  # between name and value
_PLACEHOLDER = r"\[(?:secret|token|API key|access key|private key|mail|phone)\]"


def _string(group: str, length: str = "*") -> str:
    """A string in JSON, Python or HTML without its closing quote.

    In JSON inside JSON quotes are escaped: a string ends at the quote that follows as many backslashes as its opening
    quote, or none if the inner string is cut. With coded quotes it ends at any quotation mark.
    """
    ends = rf"(?<!\\)(?:(?P={group})|(?({group}_mark)(?P={group}_mark)|\\*\"))"
    return rf"(?P<{group}>\\*(?P<{group}_mark>[\"'])|{_CODED_QUOTE})(?:(?!{ends})(?s:.)){length}+"


def _bracketed_string(escapes: int, mark: str) -> str:
    """A string in a bracket, whose quotes follow this number of backslashes.

    It has no group: the re module of Python 3.11 raises SystemError for some groups in possessive repetitions.
    """
    quote = rf"\\{{{escapes}}}{mark}"
    return rf"{quote}(?:[^{mark}\\]|\\++(?!{mark})|(?!{quote})\\++{mark})*+(?:{quote})?"


def _bracket(depth: int) -> str:
    """A list or object, which may contain others to this depth.

    A string begins where no word precedes it; any other quotation mark ends a string around the bracket. The next line
    belongs to the bracket if it begins with a quote or bracket. The closing bracket is optional: a bracket without an
    end is read once, not once from each of its starts.
    """
    strings = "|".join(_bracketed_string(escapes, mark) for escapes in (0, 1, 3) for mark in "\"'")
    string = rf"(?:\b[bru]{{1,2}}|(?<!\w)|(?<=\\[nrt]))(?:{strings})"
    inner = _bracket(depth - 1) if depth else r"[\[({]"
    other = r"\\++(?!\")|\n\s*+(?=[\\\"'\[\](){}])|[^\[\](){}\"\\\n]"
    return rf"[\[({{](?:{string}|{inner}|{other})*+[\])}}]?"


# A value in JSON, Python, headers or query strings. A placeholder is one, so that masking again changes nothing.
_LIST = rf"(?:{_PLACEHOLDER}|{_bracket(3)})[^\s&\"',;\])}}\\]*"
_STRING = rf"[bru]{{0,2}}{_string('string')}"
_VALUE = rf"(?:{_STRING}|{_LIST}|(?:(?:bearer|basic)\s+)?[^\s&\"',;}}\\]+)"
_PAIRED_NAME = rf"(?P<of_name>{_QUOTE})[\w-]{{0,40}}{_NAME}(?P=of_name)"
_NAME_MEMBER = rf"\b(?:name|key|header|field){_QUOTE}?{_GAP}{_SEPARATOR}{_GAP}[bru]{{0,2}}"
_VALUE_MEMBER = rf"\bvalue{_QUOTE}?{_GAP}{_SEPARATOR}{_GAP}"
_MEMBERS = r"[^\[\](){}]{0,100}?"  # other members between name and value
_MAX_PAIRED = 4096  # characters of a value before its name: limits the time for values that have none


def _contains(*signs: str) -> Callable[[str, str], bool]:
    return lambda text, _lower: any(sign in text for sign in signs)


def _contains_lower(*signs: str) -> Callable[[str, str], bool]:
    return lambda _text, lower: any(sign in lower for sign in signs)


def _matches(pattern: str) -> Callable[[str, str], bool]:
    return lambda text, _lower: _compiled(pattern).search(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when it is first needed: all patterns would take 20 ms of a cold start, and few lines have secrets."""
    return re.compile(pattern)


# (sign, pattern, replacement), applied in this order.
_MASKS = (
    (
        _contains("PRIVATE KEY"),
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)",
        "[private key]",
    ),
    (_contains("eyJ"), r"\beyJ[\w-]{8,}(?:\.[\w-]*)*", "[token]"),
    (  # a header to the end of its line or string: a cookie may be any of its values, a digest is several
        _contains_lower("cookie", "digest "),
        (
            r"(?i)(cookie2?:\s*(?=[^\s\"'\\])|\bdigest\s+(?=(?:username|realm|nonce|uri|response|qop|algorithm)\*?=))"
            r"(?:[^\r\n\"'\\]|'(?!\s*(?:[,)\]}]|$))|(?<==)(?P<quote>\\*\")[^\r\n\"\\]*(?P=quote))*"
        ),
        r"\1[secret]",
    ),
    (
        _contains_lower("cookie"),
        r"(?i)(cookies?=)[^\s;&\"'\\,[({]+(?:;\s*[^\s;&\"'\\]+)*",
        r"\1[secret]",
    ),
    (  # `('password', 'x')` and `["password", "x"]`
        _contains_lower(*_NAME_SIGNS),
        rf"(?i)([\[(]{_GAP}[bru]{{0,2}}{_PAIRED_NAME}{_GAP},{_GAP})(?:{_STRING}|{_LIST})",
        r"\1[secret]",
    ),
    (  # `{"name": "password", "value": "x"}`
        _contains_lower("value"),
        rf"(?i)({_NAME_MEMBER}{_PAIRED_NAME}{_GAP},{_MEMBERS}{_VALUE_MEMBER}){_VALUE}",
        r"\1[secret]",
    ),
    (  # `{"value": "x", "name": "password"}`
        _contains_lower("value"),
        (
            rf"(?i)({_VALUE_MEMBER})[bru]{{0,2}}{_string('string', f'{{0,{_MAX_PAIRED}}}')}"
            rf"(?={_QUOTE}{_GAP},{_MEMBERS}{_NAME_MEMBER}{_PAIRED_NAME})"
        ),
        r"\1[secret]",
    ),
    (  # the private members of a JSON Web Key (RFC 7518 §6), also after a quote in a URL or an escaped one
        _contains("kty"),
        rf"((?:(?<![\w-])|(?<=2[27]))(?:d|p|q|dp|dq|qi|k|r|t)(?i:{_IS}))(?i:{_VALUE})",
        r"\1[secret]",
    ),
    (
        _contains_lower(*_NAME_SIGNS),
        rf"(?i)({_NAME}{_IS}){_VALUE}",
        r"\1[secret]",
    ),
    (_contains_lower("bearer ", "basic "), r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}", r"\1 [secret]"),
    (_contains("://"), r"(?<=://)[^/\s:@\"]*:[^/\s@\"]+(?=@)", "[secret]"),
    (
        _contains("_live_", "_test_", "xox", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        r"\b(?:[spr]k_(?:live|test)_|gh[pousr]_|xox[abeprs]-|whsec_)[\w-]{10,}",
        "[secret]",
    ),
    (
        _contains("argus_"),
        r"argus_\w{30,}",
        "[API key]",
    ),  # 26 characters are the key id; the rest is secret
    (_contains("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "[access key]"),
    (  # an AWS secret key: 40 characters of base64 with lower case, upper case and digits
        _matches(r"[A-Za-z0-9/+]{40}"),
        r"(?<![\w/+=-])(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])(?=[A-Za-z/+]*\d)[A-Za-z0-9/+]{40}(?![\w/+=-])",
        "[secret]",
    ),
    (_contains("@", "%40"), r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", "[mail]"),
    (  # E.164, with or without separators
        _contains("+", "%2B", "%2b"),
        r"(?i)(?<![\w.:-])(?:\+|%2B)[1-9][\d ().-]{6,}\d\b",
        "[phone]",
    ),
    (  # North American format
        _matches(r"\d{3}[ .-]\d{4}"),
        r"(?<![\w.-])\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}\b",
        "[phone]",
    ),
)


@lru_cache(maxsize=1000)
def _is_secret(field: str) -> bool:
    return _compiled(rf"(?i){_NAME}\Z").search(field) is not None


def mask(text: str) -> str:
    """The text without secrets, e-mail addresses and phone numbers."""
    lower = text.lower()
    for sign, pattern, replacement in _MASKS:
        if sign(text, lower):
            text = _compiled(pattern).sub(replacement, text)
    return text


def mask_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a log record without secrets. Few records have a sign of one: their texts are tested together."""
    text = "\n".join(value for value in fields.values() if type(value) is str)
    lower = text.lower()
    has_sign = any(sign(text, lower) for sign, _, _ in _MASKS)
    return {
        name: value if type(value) is str and not (has_sign or _is_secret(name)) else mask_field(name, value)
        for name, value in fields.items()
    }


def mask_field(name: str, value: Any) -> Any:
    """The value of a field of a log record without secrets. Data that contains some becomes masked JSON text."""
    if _is_secret(name):
        return "[secret]"
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict | list | tuple):
        text = json.dumps(value, default=str)
        masked = mask(text)
        return value if masked == text else masked
    return mask(str(value))
