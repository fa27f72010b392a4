"""Generates the documentation pages of plugins from their manifests: `python -m argus.scanning.docs [FOLDER]`."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from argus import capabilities
from argus.scanning.catalogue import PLUGINS, Catalogue, MalformedManifest, Manifest, RuleManifest, check

FOLDER = Path("docs/plugins")


def page(manifest: Manifest) -> str:
    """The plugin's page, in Markdown."""
    return "\n".join(_lines(manifest)) + "\n"


def write(folder: Path) -> None:
    """Write the page of every plugin into a folder, and list the plugins at the end of the folder's README."""
    for path in sorted(PLUGINS.glob("*/manifest.json")):
        check(path)
    catalogue = Catalogue.load()
    catalogue.check(capabilities.target_kinds(), capabilities.tools())
    manifests = catalogue.all()
    for manifest in manifests:
        (folder / f"{manifest.id}.md").write_text(page(manifest), encoding="utf-8")
    guide = folder / "README.md"
    text, heading, _ = guide.read_text(encoding="utf-8").partition("\n## Plugins\n")
    links = "".join(f"- [{manifest.name}]({manifest.id}.md)\n" for manifest in manifests)
    guide.write_text(f"{text}{heading}\n{links}", encoding="utf-8")


def _lines(manifest: Manifest) -> Iterator[str]:
    yield "<!-- Generated from manifest.json: edit that, then run `python -m argus.scanning.docs`. -->"
    yield ""
    yield f"# {manifest.name}"
    yield ""
    yield manifest.summary
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| id | `{manifest.id}` |"
    yield f"| version | {manifest.version} |"
    yield f"| target kinds | {_code_list(manifest.target_kinds)} |"
    yield f"| permissions | {_code_list(manifest.permissions) or 'none'} |"
    yield f"| price | {_price(manifest)} |"
    yield f"| budget | {manifest.budget.seconds} s, {manifest.budget.requests} requests |"
    yield ""
    yield manifest.description
    yield ""
    yield "## Options"
    yield ""
    yield from _options(manifest.options["properties"])
    yield ""
    yield "## What it finds"
    for name, rule in manifest.rules.items():
        yield from _rule(name, rule)


def _options(properties: Mapping[str, Any]) -> Iterator[str]:
    if not properties:
        yield "None."
        return
    yield "| option | default | type | description |"
    yield "|---|---|---|---|"
    for name, option in properties.items():
        cells = (f"`{name}`", _value(option["default"]), _accepts(option), option["description"])
        yield f"| {' | '.join(map(_cell, cells))} |"


def _accepts(option: Mapping[str, Any]) -> str:
    if "enum" in option:
        return ", ".join(_value(value) for value in option["enum"])
    kinds = option["type"] if isinstance(option["type"], list) else [option["type"]]
    kind = " or ".join(kinds)
    if "minimum" in option:
        kind += f", {option['minimum']} to {option['maximum']} {option['unit']}"
    if "maxLength" in option:
        kind += f", {option.get('minLength', 0)} to {option['maxLength']} characters"
    if "pattern" in option:
        kind += f", matching `{option['pattern']}`"
    return kind


def _rule(name: str, rule: RuleManifest) -> Iterator[str]:
    yield ""
    yield f"### {rule.title}"
    yield ""
    weakness = f" · [CWE-{rule.cwe}](https://cwe.mitre.org/data/definitions/{rule.cwe}.html)" if rule.cwe else ""
    yield f"`{name}` · {rule.severity}, unless the finding has its own severity{weakness}"
    yield ""
    yield rule.description
    yield ""
    yield f"**What to do.** {rule.remediation}"
    yield ""
    for reference in rule.references:
        yield f"- {reference}"


def _price(manifest: Manifest) -> str:
    price = manifest.price
    return f"{price.minor_units} {price.currency} minor units per run" if price.minor_units else "free"


def _value(value: object) -> str:
    return "none" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _code_list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    """Text in a table: a vertical bar would end the cell."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    try:
        write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    except MalformedManifest as error:
        sys.exit(str(error))
