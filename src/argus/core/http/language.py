"""The language of a request: the best of those that Accept-Language names, else English."""

from typing import cast

from flask import has_request_context, request

from argus.core.languages import ENGLISH, LANGUAGES, Language


def request_language() -> Language:
    """The language in which to answer."""
    if not has_request_context():
        return ENGLISH
    return cast(Language, request.accept_languages.best_match(LANGUAGES, default=ENGLISH))
