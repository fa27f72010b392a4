"""HTTP of toys."""

from typing import Any

from argus.toy.model import Toy
from argus.toy.schemas import ToyIn, ToyOut, ToyPage
from argus.toy.service import Toys

from argus.core.http import Blueprint, PageQuery, current_caller, etagged, idempotent, location, needs, paged
from argus.core.openapi import id_pattern, path_id
from argus.core.runtime import Runtime

_TOY_ID = [path_id("toy_id", "The id of a toy", pattern=id_pattern("toy"))]


def blueprint(argus: Runtime) -> Blueprint:
    toys: Toys = argus.toys
    blp = Blueprint("toy", __name__, chapter=80, description="Toys, and how to wind them up.")

    @blp.route("/toys", methods=["POST"])
    @needs("toys:write")
    @idempotent
    @blp.arguments(ToyIn)
    @blp.response(202, ToyOut)
    def create_toy(wanted: dict[str, str]) -> tuple[Toy, dict[str, str]]:
        """Make a toy

        A worker winds it up: poll `Location`.
        """
        toy = toys.create(current_caller(), wanted["name"])
        return toy, location("toy.get_toy", toy_id=toy.id)

    @blp.route("/toys")
    @needs("toys:read")
    @blp.arguments(PageQuery, location="query")
    @blp.response(200, ToyPage)
    def list_toys(query: dict[str, Any]) -> Any:
        """List toys

        Newest first.
        """
        caller = current_caller()
        return paged(lambda limit, after: toys.list(caller, limit=limit, after=after), query)

    @blp.route("/toys/<toy_id>", parameters=_TOY_ID)
    @needs("toys:read")
    @etagged
    @blp.response(200, ToyOut)
    def get_toy(toy_id: str) -> Toy:
        """Get a toy

        With its state.
        """
        return toys.get(current_caller(), toy_id)

    return blp
