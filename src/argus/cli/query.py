"""JMESPath expressions (jmespath.org), which select values from a JSON document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from argus.cli.formatting import clean

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult


@dataclass(frozen=True)
class Query:
    """A valid expression."""

    parsed: "ParsedResult"

    @classmethod
    def parse(cls, expression: str) -> "Query":
        """Raises click.BadParameter, also for unknown functions and wrong argument counts.

        jmespath itself checks functions only when it evaluates.
        """
        import jmespath
        from jmespath.exceptions import JMESPathError

        try:
            parsed = jmespath.compile(expression)
            for function in _function_calls(parsed.parsed):
                _validate_call(function)
        except (JMESPathError, RecursionError) as error:
            raise click.BadParameter(_reason(error)) from error
        return cls(parsed)

    def select(self, document: Any) -> Any:
        """The value of the expression. Raises click.UsageError if a function gets a value of the wrong type."""
        from jmespath.exceptions import JMESPathError

        try:
            return self.parsed.search(document)
        except JMESPathError as error:
            raise click.UsageError(f"--query does not apply to this result: {_reason(error)}") from error


def _function_calls(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if node["type"] == "function_expression":
        yield node
    for child in node["children"]:
        if isinstance(child, Mapping):
            yield from _function_calls(child)


def _validate_call(function: Mapping[str, Any]) -> None:
    from jmespath.exceptions import ArityError, UnknownFunctionError
    from jmespath.functions import Functions

    name, count = function["value"], len(function["children"])
    if name not in Functions.FUNCTION_TABLE:
        raise UnknownFunctionError(f"Unknown function: {name}()")
    signature = Functions.FUNCTION_TABLE[name]["signature"]
    expected = len(signature)
    if count != expected and not (signature and signature[-1].get("variadic") and count > expected):
        raise ArityError(expected, count, name)


def _reason(error: Exception) -> str:
    return "The expression is nested too deeply." if isinstance(error, RecursionError) else clean(error)
