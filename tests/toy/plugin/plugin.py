"""Springs of toys that are slack."""

from collections.abc import Iterator, Mapping
from typing import Any

from argus.toy.tool import toys

from argus.scanning.model import Finding, Target
from argus.scanning.plugin import Tools


def run(target: Target, tools: Tools, options: Mapping[str, Any]) -> Iterator[Finding]:
    turns = toys(tools).toy(target.value).turns
    if turns < options["turns"]:
        yield Finding("slack", location={"part": "spring"}, evidence={"turns": turns}, location_key="spring")
