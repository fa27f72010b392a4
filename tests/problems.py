"""What an error says about values of the request."""

from werkzeug.test import TestResponse


def at_pointers(response: TestResponse) -> dict[str, str]:
    """The sentence about each value of the body, by its JSON Pointer."""
    return {error["pointer"]: error["detail"] for error in response.get_json()["errors"]}


def at_parameters(response: TestResponse) -> dict[str, str]:
    """The sentence about each query parameter, by its name."""
    return {error["parameter"]: error["detail"] for error in response.get_json()["errors"]}
