"""Patches of moto that a deployment needs.

Executing a change set in moto leaves a new stack without parameters and outputs. moto lacks the API of function URLs,
which Zappa calls. With an event source mapping, moto receives each message itself and starts the function in Docker:
messages would lose an attempt, or be deleted, before services/local/sqs_poller.py receives them.
"""

import functools
from typing import Any

from moto.awslambda import urls
from moto.cloudformation.models import ChangeSet
from moto.sqs.models import Queue


@functools.cache
def apply() -> None:
    """Patch moto, once: change sets create or update the stack, and queues do not invoke functions."""
    change_set: Any = ChangeSet
    change_set.apply = _apply
    urls.url_paths[r"{0}/2021-10-31/functions/(?P<function_name>[^/]+)/urls/?$"] = _no_function_urls
    queue: Any = Queue
    queue.lambda_event_source_mappings = property(lambda _: {}, lambda _, __: None)


def _apply(change_set: Any) -> None:
    stack = change_set.stack
    stack.template = change_set.template
    stack.template_dict = stack.parse_template(change_set.template)
    # moto splits list parameters that are given, but not their defaults.
    stack.parameters = {**_defaults(stack.template_dict), **change_set.parameters}
    if change_set.change_set_type == "CREATE":
        stack.resource_map = stack._create_resource_map()  # noqa: SLF001 — moto has no public method
        stack.output_map = stack._create_output_map()  # noqa: SLF001
        stack.resource_map.create(stack.template_dict)
    else:
        stack.resource_map.update(stack.template_dict, stack.parameters)
        stack.output_map = stack._create_output_map()  # noqa: SLF001
    stack.parameters = change_set.parameters  # the next change set is compared with these


def _no_function_urls(*_: Any) -> tuple[int, dict[str, str], str]:
    return 200, {"Content-Type": "application/json"}, '{"FunctionUrlConfigs": []}'


def _defaults(template: dict[str, Any]) -> dict[str, str]:
    declared = template.get("Parameters") or {}
    return {name: str(one["Default"]) for name, one in declared.items() if "Default" in one}
