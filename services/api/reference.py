"""Write the reference pages in docs/ from what capabilities declare: `python -m services.api.reference`."""

from collections.abc import Callable, Mapping
from dataclasses import Field
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from argus import capabilities
from argus.core.errors import ArgusError, code_of
from argus.core.languages import Entry, Text, messages_of
from argus.core.settings import Settings, declared
from argus.identity.model import Role

DOCS = Path(__file__).resolve().parents[2] / "docs"
_NOTE = "<!-- Written by `make docs` from the capabilities: change those, then run it again. -->\n"


def settings() -> str:
    """Every setting, by capability."""
    return _page(
        "Settings",
        "Read once, from the environment. Outside the stages `local` and `test` dangerous values are refused at start.",
        *(_settings_of(name, kind) for name, kind in _kinds().items()),
    )


def access() -> str:
    """Every scope, and the roles that hold it."""
    rows = [
        [f"`{scope.name}`", scope.about, *("yes" if role in scope.roles else "" for role in Role), _yes(scope.for_keys)]
        for capability in capabilities.installed()
        for scope in capability.scopes
    ]
    return _page(
        "Who may do what",
        "A route asks for one scope. A role holds the scopes of its column; an API key carries those that its creator "
        "chose, among those that keys may carry.",
        _table(["scope", "allows", *Role, "API keys"], rows),
    )


def errors() -> str:
    """Every message for users by its code, and the status of answers that carry it."""
    packages = ["argus.core", *(f"argus.{one.name}" for one in capabilities.installed())]
    entries = {code: entry for package in packages for code, entry in messages_of(package).items()}
    statuses = {code_of(kind): str(kind.status) for package in packages for kind in errors_of(package)}
    rows = [
        [
            f"`{code}`",
            statuses.get(code, ""),
            entry.title.en,
            "<br>".join(text.en.replace("<", "&lt;") for text in _details(entry)),
        ]
        for code, entry in sorted(entries.items())
    ]
    return _page(
        "Errors",
        "An error is `application/problem+json` (RFC 9457). `code` is for programs: it never changes, in no language. "
        "`title` and `detail` are in the language of `Accept-Language`: English, French or Spanish. A rejected image "
        "and a failed scan or report have a message too; codes without a status occur only there, or are statuses "
        "that the HTTP library answers.",
        _table(["code", "status", "title", "detail"], rows),
    )


def errors_of(package: str) -> list[type[ArgusError]]:
    """The errors that the modules of a package define."""
    folder = import_module(package)
    modules = [
        import_module(found.name)
        for found in walk_packages(folder.__path__, prefix=f"{package}.")
        if ".plugins." not in found.name
    ]
    kinds = [kind for module in modules for kind in vars(module).values() if isinstance(kind, type)]
    return [
        kind
        for kind in dict.fromkeys(kinds)
        if issubclass(kind, ArgusError) and kind.__module__.startswith(f"{package}.")
    ]


def _details(entry: Entry) -> list[Text]:
    return [*([entry.detail] if entry.detail else []), *entry.details.values()]


PAGES: Mapping[str, Callable[[], str]] = {"settings.md": settings, "access.md": access, "errors.md": errors}


def _kinds() -> dict[str, type]:
    own = {one.name: one.settings for one in capabilities.installed() if one.settings}
    return {"core": Settings, **own}


def _settings_of(name: str, kind: type) -> str:
    rows = [[_code(about["name"]), _code(about["default"]), about["about"]] for about in map(_about, declared(kind))]
    return f"## {name}\n\n{_table(['name', 'default', 'what'], rows)}"


def _about(setting: Field[Any]) -> Mapping[str, Any]:
    return setting.metadata


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _yes(value: bool) -> str:
    return "yes" if value else ""


def _page(title: str, about: str, *parts: str) -> str:
    return "\n".join([_NOTE, f"# {title}\n", f"{about}\n", *parts])


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    for name, text in PAGES.items():
        (DOCS / name).write_text(text())


if __name__ == "__main__":
    main()
