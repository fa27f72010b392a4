"""HTTP behaviour that all routes share. Routes and schemas import it from this package, not from its modules."""

from argus.core.http.access import (
    MissingScope,
    client_address,
    current_caller,
    needs,
    public,
    require_scopes,
    unlimited,
)
from argus.core.http.api import Api
from argus.core.http.hooks import MAX_BODY_BYTES, install
from argus.core.http.language import request_language
from argus.core.http.problems import problem_of
from argus.core.http.ratelimit import RequestLimits
from argus.core.http.views import absolute_url, check_if_match, etagged, idempotent, location, paged, with_base_path
from argus.core.http.wire import (
    MAX_PAGE,
    Blueprint,
    BoundedList,
    CommaSeparated,
    MalformedRequest,
    Number,
    PageQuery,
    Problem,
    QueryNumber,
    Schema,
    Sentence,
    StrictInteger,
    Timestamp,
    id_field,
    one_line,
    strict_json,
    uri_field,
)

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_PAGE",
    "Api",
    "Blueprint",
    "BoundedList",
    "CommaSeparated",
    "MalformedRequest",
    "MissingScope",
    "Number",
    "PageQuery",
    "Problem",
    "QueryNumber",
    "RequestLimits",
    "Schema",
    "Sentence",
    "StrictInteger",
    "Timestamp",
    "absolute_url",
    "check_if_match",
    "client_address",
    "current_caller",
    "etagged",
    "id_field",
    "idempotent",
    "install",
    "location",
    "needs",
    "one_line",
    "paged",
    "problem_of",
    "public",
    "request_language",
    "require_scopes",
    "strict_json",
    "unlimited",
    "uri_field",
    "with_base_path",
]
