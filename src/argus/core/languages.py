"""Messages for users: a code, a key and parameters, formatted as a sentence in the reader's language.

A package declares its sentences in its `messages` module. Argus stores and compares codes, and formats the sentence
when it is read.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from string import Formatter
from typing import Any, Literal

Language = Literal["en", "fr", "es"]
Parameter = str | int | float

LANGUAGES: tuple[Language, ...] = ("en", "fr", "es")
ENGLISH: Language = "en"

DECIMAL_SEPARATORS: Mapping[Language, str] = {"en": ".", "fr": ",", "es": ","}
GROUP_SEPARATORS: Mapping[Language, str] = {"en": ",", "fr": "\u202f", "es": "."}  # of thousands, from Unicode CLDR
_FRENCH_SPACE = re.compile(r" (?=[:;?!»])|(?<=«) ")
_DECIMAL = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class Text:
    """One sentence in every language. `{name}` is a parameter, with an optional format: `{seconds:.1f}`.

    Texts contain ordinary spaces. `format` makes those of French punctuation non-breaking, and writes decimal numbers
    as the language does.
    """

    en: str
    fr: str
    es: str

    def template(self, language: Language) -> str:
        """The sentence for readers of a list of messages: with the names of its parameters in braces."""
        return _FORMAT_SPECIFICATION.sub(r"{\1}", self.format(language, {}))

    def format(self, language: Language, parameters: Mapping[str, Parameter]) -> str:
        template: str = getattr(self, language)
        if language == "fr":
            template = _FRENCH_SPACE.sub("\u00a0", template)
        try:
            return _FORMATTERS[language].vformat(template, (), parameters)
        except (KeyError, TypeError, ValueError):  # stored by a release with other parameters
            return template


_FORMAT_SPECIFICATION = re.compile(r"\{(\w+):[^{}]*\}")


class _Formatter(Formatter):
    """Like `str.format`, with the decimal separator of a language."""

    def __init__(self, decimal_separator: str) -> None:
        self._decimal_separator = decimal_separator

    def format_field(self, value: Any, format_spec: str) -> str:
        """Numbers that DynamoDB does not store, like NaN, are stored as text: a format of a number reads them."""
        if format_spec.endswith(("f", "g")):
            value = float(value)
        text = format(value, format_spec)
        return text.replace(".", self._decimal_separator) if isinstance(value, float) else text


_FORMATTERS = {language: _Formatter(separator) for language, separator in DECIMAL_SEPARATORS.items()}


@dataclass(frozen=True)
class Entry:
    """The sentences of a code: a title, and either one detail or several by key."""

    title: Text
    detail: Text | None = None
    details: Mapping[str, Text] = field(default_factory=dict)

    def text(self, key: str) -> Text | None:
        return self.details.get(key) if key else self.detail

    def texts(self) -> list[Text]:
        """Every detail."""
        return [*([self.detail] if self.detail else []), *self.details.values()]


Messages = Mapping[str, Entry]


@dataclass(frozen=True)
class Message:
    """A message for a user, independent of the language."""

    package: str  # that declares its sentences: `argus.<capability>`
    code: str
    key: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def title(self, language: Language = ENGLISH) -> str:
        """What happened, in a few words."""
        entry = self._entry()
        return entry.title.format(language, self.parameters) if entry else self.code

    def detail(self, language: Language = ENGLISH) -> str:
        """What happened to what, and what to do; empty if the code has only a title."""
        entry = self._entry()
        text = entry.text(self.key) if entry else None
        return text.format(language, self.parameters) if text else ""

    def sentence(self, language: Language = ENGLISH) -> str:
        """The detail, or else the title."""
        return self.detail(language) or self.title(language)

    def _entry(self) -> Entry | None:
        return messages_of(self.package).get(self.code)


def message_from(item: Mapping[str, Any] | None) -> Message | None:
    """A message from the output of `dataclasses.asdict`."""
    return Message(**item) if item else None


def messages_of(package: str) -> Messages:
    """The messages that a package declares; none if it has no `messages` module."""
    try:
        messages: Messages = import_module(f"{package}.messages").MESSAGES
    except ModuleNotFoundError:
        return {}
    return messages


def field_errors_of(package: str) -> tuple[Text, ...]:
    """The sentences about invalid fields that a package declares as `FIELD_ERRORS` beside its messages."""
    try:
        texts: tuple[Text, ...] = getattr(import_module(f"{package}.messages"), "FIELD_ERRORS", ())
    except ModuleNotFoundError:
        return ()
    return texts


def translate(sentence: str, texts: Iterable[Text], language: Language) -> str:
    """Translate an English sentence that one of the texts matches; return any other sentence unchanged."""
    if language == ENGLISH:
        return sentence
    for text in texts:
        if match := _pattern(text.en).fullmatch(sentence):
            return text.format(language, {name: _value(found) for name, found in match.groupdict().items()})
    return sentence


def _value(text: str) -> Parameter:
    """A parameter found in a sentence: decimal numbers are formatted in the language, other text is repeated."""
    return float(text) if _DECIMAL.fullmatch(text) else text


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """A pattern that matches the sentences of a template, with a group for each parameter."""
    parts = Formatter().parse(template)
    pattern = "".join(re.escape(literal) + (f"(?P<{name}>.+)" if name else "") for literal, name, _, _ in parts)
    return re.compile(pattern, re.DOTALL)
