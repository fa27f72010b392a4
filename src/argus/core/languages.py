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


@dataclass(frozen=True)
class Text:
    """One sentence in every language. `{name}` is a parameter, with an optional format: `{celsius:.1f}`."""

    en: str
    fr: str
    es: str

    def format(self, language: Language, parameters: Mapping[str, Parameter]) -> str:
        template: str = getattr(self, language)
        try:
            return template.format_map(parameters)
        except (KeyError, TypeError, ValueError):  # stored by a release with other parameters
            return template


@dataclass(frozen=True)
class Entry:
    """The sentences of a code: a title, and either one detail or several by key."""

    title: Text
    detail: Text | None = None
    details: Mapping[str, Text] = field(default_factory=dict)

    def text(self, key: str) -> Text | None:
        return self.details.get(key) if key else self.detail


Messages = Mapping[str, Entry]


@dataclass(frozen=True)
class Message:
    """A message for a user, independent of the language."""

    package: str  # that declares its sentences: `argus.imagery`
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


def translate(sentence: str, texts: Iterable[Text], language: Language) -> str:
    """Translate an English sentence that one of the texts matches; return any other sentence unchanged."""
    for text in texts:
        if match := _pattern(text.en).fullmatch(sentence):
            return text.format(language, match.groupdict())
    return sentence


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """A pattern that matches the sentences of a template, with a group for each parameter."""
    parts = Formatter().parse(template)
    pattern = "".join(re.escape(literal) + (f"(?P<{name}>.+)" if name else "") for literal, name, _, _ in parts)
    return re.compile(pattern, re.DOTALL)
