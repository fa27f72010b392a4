"""Messages in the languages of Argus: a code, a key and parameters, and the sentences that they become.

A package declares its sentences in its `messages` module. What is stored and compared is the code; the sentence is
made where somebody reads it, in their language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

Language = Literal["en", "fr", "es"]
Parameter = str | int | float

LANGUAGES: tuple[Language, ...] = ("en", "fr", "es")
ENGLISH: Language = "en"


@dataclass(frozen=True)
class Text:
    """One sentence in every language. `{name}` stands for a parameter, with a format if need be: `{celsius:.1f}`."""

    en: str
    fr: str
    es: str

    def format(self, language: Language, parameters: Mapping[str, Parameter]) -> str:
        template: str = getattr(self, language)
        try:
            return template.format_map(parameters)
        except (KeyError, ValueError):  # stored by a release that named its parameters otherwise
            return template


@dataclass(frozen=True)
class Entry:
    """The sentences of a code: a title, and details by key. An error that has one detail gives it no key."""

    title: Text
    detail: Text | None = None
    details: Mapping[str, Text] = field(default_factory=dict)

    def text(self, key: str) -> Text | None:
        return self.details.get(key) if key else self.detail


Messages = Mapping[str, Entry]


@dataclass(frozen=True)
class Message:
    """Something to say to a user, before it is said in a language."""

    package: str  # that declares it: `argus.imagery`
    code: str
    key: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def title(self, language: Language = ENGLISH) -> str:
        """What happened, in a few words."""
        entry = self._entry()
        return entry.title.format(language, self.parameters) if entry else self.code

    def detail(self, language: Language = ENGLISH) -> str:
        """What happened to what, and what to do; empty if the title says it all."""
        entry = self._entry()
        text = entry.text(self.key) if entry else None
        return text.format(language, self.parameters) if text else ""

    def sentence(self, language: Language = ENGLISH) -> str:
        """The detail, else the title."""
        return self.detail(language) or self.title(language)

    def _entry(self) -> Entry | None:
        return messages_of(self.package).get(self.code)


def message_from(item: Mapping[str, Any] | None) -> Message | None:
    """A message as `dataclasses.asdict` wrote it."""
    return Message(**item) if item else None


def messages_of(package: str) -> Messages:
    """What a package declares; nothing if it has no such module (any more)."""
    try:
        found: Messages = import_module(f"{package}.messages").MESSAGES
    except ModuleNotFoundError:
        return {}
    return found
