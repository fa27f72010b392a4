"""Schemas and fields of requests and responses, and strict parsing of queries and JSON."""

import json
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Self, cast

import flask_smorest
import marshmallow as ma
import webargs.fields
from flask import Request, request
from webargs.flaskparser import FlaskParser, abort

from argus.core import openapi, text
from argus.core.clock import rfc3339
from argus.core.errors import BadRequest, UnsupportedMediaType
from argus.core.http.language import request_language
from argus.core.languages import Message

MAX_PAGE = 100

_DIGITS = re.compile(r"-?[0-9]{1,18}")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # the JSON escape, unless its backslash is escaped


class MalformedRequest(BadRequest):
    """The request cannot be parsed, or contains invalid characters."""


class UnsupportedCharset(UnsupportedMediaType):
    """The body is declared in a charset other than UTF-8."""


class UnsupportedContentEncoding(UnsupportedMediaType):
    """The body is compressed, or has another content coding."""


class Schema(ma.Schema):
    """A schema that rejects unknown fields. Fields are in the order of the class."""

    class Meta:
        unknown = ma.RAISE

    def __deepcopy__(self, _memo: object) -> Self:
        """The schema itself: it never changes. flask-smorest would copy it for each decorator of a view."""
        return self


class StrictInteger(ma.fields.Integer):
    """A JSON number without a fraction. `14.0` is valid, as in JSON Schema; `"14"` is not."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return value


class StrictBoolean(ma.fields.Boolean):
    """A JSON `true` or `false`. marshmallow would also accept `"yes"` and 1."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryNumber(ma.fields.Integer):
    """An integer in a query: ASCII digits only. Python would also accept `1_0`, ` 10` and digits of other scripts."""

    def _validated(self, value: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return int(value)


class Number(ma.fields.Float):
    """A JSON number; `"14"` is invalid."""

    def _validated(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class Timestamp(ma.fields.DateTime):
    """RFC 3339 in UTC."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)


class Sentence(ma.fields.String):
    """A `core.languages.Message` as a sentence in the caller's language; without a message an empty text, or null."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None if self.allow_none else ""
        return cast(Message, value).sentence(request_language())


def one_line(*, may_be_empty: bool) -> ma.validate.Regexp:
    """Validates a name: one line that shows something, without characters that change how it is displayed."""
    error = "Must be one line with a visible character, without control characters, direction marks or invisible ones."
    return ma.validate.Regexp(text.NAME_OR_EMPTY if may_be_empty else text.NAME, error=error)


def described(description: str, **members: Any) -> dict[str, Any]:
    """The arguments of a field that describe it in the OpenAPI document; `members` are of its JSON Schema."""
    return {"metadata": {"description": description, **members}}


def id_field(prefix: str, description: str) -> ma.fields.String:
    """An id in a response."""
    return ma.fields.String(required=True, **described(description, pattern=openapi.id_pattern(prefix)))


def uri_field(description: str, *, allow_none: bool = False) -> ma.fields.String:
    """A URL in a response."""
    return ma.fields.String(required=True, allow_none=allow_none, **described(description, format="uri"))


def enum_field(kind: type[StrEnum], description: str, *, allow_none: bool = False) -> ma.fields.Enum[Any]:
    """One of the values of an enumeration, in a response."""
    return ma.fields.Enum(kind, by_value=True, required=True, allow_none=allow_none, **described(description))


def count_field(description: str, *, required: bool = True) -> ma.fields.Integer:
    """A number of things, in a response."""
    return ma.fields.Integer(required=required, validate=ma.validate.Range(min=0), **described(description))


def version_field() -> ma.fields.Integer:
    """The version of a resource, in a response."""
    description = "The number of the version of this resource, which begins its ETag"
    return ma.fields.Integer(required=True, validate=ma.validate.Range(min=1), **described(description))


def items_field(element: type[ma.Schema], description: str) -> ma.fields.List[Any]:
    """The elements of a list, or of one of its pages, in a response."""
    return ma.fields.List(ma.fields.Nested(element), required=True, **described(description))


def cursor_field(*, one_page: bool = False) -> ma.fields.String:
    """Where the next page of a list starts, in a response; `one_page` if the list always fits on one."""
    description = "Send it as `cursor` for the next page; null on the last page"
    if one_page:
        description = "Always null: the list is on one page"
    return ma.fields.String(required=True, allow_none=True, **described(description))


class BoundedList(ma.fields.List[Any]):
    """A list whose length is checked before its elements, so that a long list costs no validation of elements."""

    def __init__(self, element: ma.fields.Field[Any], *, at_most: int, **options: Any) -> None:
        super().__init__(element, validate=ma.validate.Length(1, at_most), **options)
        self.at_most = at_most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and len(value) > self.at_most:
            raise ma.ValidationError(f"Longer than maximum length {self.at_most}.")
        return cast(list[Any], super()._deserialize(value, attr, data, **kwargs))


class CommaSeparated(webargs.fields.DelimitedList):
    """Comma-separated values of a query parameter, sorted and without duplicates; None if the parameter is missing.

    `separator` is a pattern, for values that may contain commas.
    """

    def __init__(self, element: ma.fields.Field[Any], description: str, *, at_most: int, separator: str = ",") -> None:
        text = f"{description}; separate several with commas"
        super().__init__(element, load_default=None, **described(text, minItems=1, maxItems=at_most))
        self.at_most, self.separator = at_most, separator

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        """Serialise the default for the OpenAPI document."""
        return None if value is None else ",".join(map(str, value))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        values = re.split(self.separator, value)
        if len(values) > self.at_most:
            raise ma.ValidationError(f"More than {self.at_most} values.")
        return sorted(
            set(super(webargs.fields.DelimitedFieldMixin, self)._deserialize(values, attr, data, **kwargs)), key=str
        )


class PageQuery(Schema):
    """The page of a list."""

    limit = QueryNumber(
        load_default=50, validate=ma.validate.Range(1, MAX_PAGE), **described("The most items that a page may have")
    )
    cursor = ma.fields.String(
        load_default=None,
        validate=ma.validate.Length(1, 2048),
        **described("`next_cursor` of the previous page, with the same filters; without it, the first page"),
    )


class ProblemError(Schema):
    """What is wrong with one value of the request. It has either a `pointer` or a `parameter`."""

    pointer = ma.fields.String(
        **described(
            "Where it is in the body: a JSON Pointer (RFC 6901) as a URI fragment; `#` is all of it",
            pattern="^#(/.*)?$",
        )
    )
    parameter = ma.fields.String(**described("The name of the query parameter that contains it"))
    detail = ma.fields.String(required=True, **described("What is wrong, in the language of `Accept-Language`"))


class Problem(Schema):
    """An error, as in RFC 9457."""

    type = uri_field("A page about errors with this `code`: when they occur, and what to do")
    title = ma.fields.String(required=True, **described("What happened, in a few words and the caller's language"))
    status = ma.fields.Integer(
        required=True, validate=ma.validate.Range(400, 599), **described("The HTTP status of the response")
    )
    detail = ma.fields.String(
        required=True, **described("What happened to what, and what to do, in the caller's language")
    )
    code = ma.fields.String(
        required=True,
        **described("Which error it is, for programs; the same in every language", pattern="^[a-z][a-z0-9_]*$"),
    )
    request_id = ma.fields.String(required=True, **described("`X-Request-ID` of the response, for support requests"))
    errors = ma.fields.List(
        ma.fields.Nested(ProblemError),
        **described("What is wrong with which values of the request, at most 100; absent if no value is at fault"),
    )


class _Parser(FlaskParser):
    """Parses JSON strictly, and rejects unknown query parameters: a misspelt filter must not return everything."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": ma.RAISE}

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        body = req.get_data()
        return strict_json(body) if body else ma.missing


class Blueprint(flask_smorest.Blueprint):
    """A flask-smorest blueprint with the strict parser. It marks views that read the query.

    It is a tag of the OpenAPI document; `chapter` is its position: tags are in the order of a user's work.
    """

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, name: str, module: str, *, chapter: int, description: str) -> None:
        super().__init__(name, module, description=description)
        self.chapter = chapter

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Callable[[Any], Any]:
        parsed = super().arguments(schema, location=location, **options)

        def mark(view: Any) -> Any:
            marked = parsed(view)
            if location == "query":
                vars(marked)["argus_query"] = True
            return marked

        return mark


def check_query(view: Callable[..., Any]) -> None:
    """Reject parameters given more than once, and any parameter if the view reads none. Aborts with 422."""
    errors = {name: ["Given more than once."] for name, values in request.args.lists() if len(values) > 1}
    if not hasattr(view, "argus_query"):
        errors |= {name: ["Unknown field."] for name in request.args}
    if errors:
        abort(422, messages={"query": errors})


def check_format() -> None:
    """Check that the body is declared as JSON in UTF-8. Raises UnsupportedMediaType.

    Zappa joins repeated headers: `application/json, text/plain` is neither. Locally, werkzeug keeps the last.
    """
    if not request.is_json or "," in (request.content_type or ""):
        raise UnsupportedMediaType
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedCharset(charset=charset)
    codings = request.headers.get("Content-Encoding", "")
    if not {coding.strip().lower() for coding in codings.split(",")} <= {"", openapi.NO_CODING}:
        raise UnsupportedContentEncoding(codings=codings)


def strict_json(body: bytes) -> Any:
    """The value of a JSON text. Raises MalformedRequest for invalid JSON, and for values that cannot be stored."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_object)
        written = json.dumps(value, ensure_ascii=False)
        written.encode()  # raises for a lone surrogate
        if _NUL.search(written):
            raise MalformedRequest("body")
    except json.JSONDecodeError as error:
        raise MalformedRequest("json_at", line=error.lineno, column=error.colno) from error
    except (ValueError, RecursionError) as error:  # including numbers with too many digits, and deep nesting
        raise MalformedRequest("json") from error
    return value


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object. Raises MalformedRequest for a repeated name, which parsers resolve differently."""
    value = dict(members)
    if len(value) < len(members):
        raise MalformedRequest("repeated_name")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
