"""The language of a response, negotiated by Accept-Language (RFC 9110 §12.5.4)."""

from flask import has_request_context, request

from argus.core.languages import ENGLISH, LANGUAGES, Language


def request_language() -> Language:
    """The client's most preferred language that Argus has, else English. `fr-CA` matches French."""
    if has_request_context():
        for tag, quality in request.accept_languages:  # by quality, highest first, and `*` last
            language = tag.partition("-")[0].lower()
            if quality > 0 and language in LANGUAGES:
                return language
    return ENGLISH
