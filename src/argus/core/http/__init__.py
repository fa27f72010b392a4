"""What every route shares. Routes and schemas take it from here; the modules beside this one tell one story each."""

from argus.core.http.access import (
    Caller,
    Limits,
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
from argus.core.http.problems import problem_of
from argus.core.http.views import check_if_match, etagged, idempotent, location, paged
from argus.core.http.wire import (
    MAX_PAGE,
    Blueprint,
    PageQuery,
    Problem,
    Schema,
    ShortList,
    Timestamp,
    Unreadable,
    WholeNumber,
    id_field,
    strict_json,
    uri_field,
)

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_PAGE",
    "Api",
    "Blueprint",
    "Caller",
    "Limits",
    "MissingScope",
    "PageQuery",
    "Problem",
    "Schema",
    "ShortList",
    "Timestamp",
    "Unreadable",
    "WholeNumber",
    "check_if_match",
    "client_address",
    "current_caller",
    "etagged",
    "id_field",
    "idempotent",
    "install",
    "location",
    "needs",
    "paged",
    "problem_of",
    "public",
    "require_scopes",
    "strict_json",
    "unlimited",
    "uri_field",
]
