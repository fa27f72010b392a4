"""Messages for users: complete in every language, with the parameters of the code, and without unused texts."""

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import pytest

from argus import capabilities
from argus.core.errors import ArgusError, UserError, code_of
from argus.core.languages import LANGUAGES, Entry, Text, messages_of

PACKAGES = ("argus.core", *(f"argus.{each.name}" for each in capabilities.installed()))
ENTRIES = [pytest.param(code, entry, id=code) for package in PACKAGES for code, entry in messages_of(package).items()]
NOT_PARAMETERS = {"errors", "retry_after_seconds"}


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def texts(entry: Entry) -> list[Text]:
    return [entry.title, *([entry.detail] if entry.detail else []), *entry.details.values()]


@pytest.mark.parametrize(("code", "entry"), ENTRIES)
def test_french_texts_have_ordinary_spaces_where_format_makes_them_non_breaking(code: str, entry: Entry) -> None:
    for text in texts(entry):
        assert not re.search(r"[\u00a0\u202f]|[^ ][;?!»]|«[^ ]", text.fr), code


@pytest.mark.parametrize(("code", "entry"), ENTRIES)
def test_a_message_has_the_same_parameters_in_every_language(code: str, entry: Entry) -> None:
    for text in texts(entry):
        sentences = [getattr(text, language) for language in LANGUAGES]
        assert all(sentences), code
        assert len({frozenset(names(sentence)) for sentence in sentences}) == 1, sentences
    assert not any(getattr(entry.title, language).endswith(".") for language in LANGUAGES)
    for text in texts(entry)[1:]:
        assert all(getattr(text, language).endswith(".") for language in LANGUAGES), text.en


def test_codes_are_unique() -> None:
    codes = [code for package in PACKAGES for code in messages_of(package)]
    assert len(codes) == len(set(codes))


# ---------------------------------------------------------------- uses in the code


@dataclass(frozen=True)
class Use:
    """A position in the code that creates an error for users."""

    where: str
    kind: type[UserError]
    key: str | None  # None if it is computed
    parameters: frozenset[str]


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in walk_packages(import_module(package).__path__, prefix=f"{package}."):
            if ".plugins." not in found.name and not found.name.endswith("testkit"):
                yield import_module(found.name)


def uses_in(module: ModuleType) -> Iterator[Use]:
    tree = ast.parse(Path(str(module.__file__)).read_text())
    bare = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    for node in [*(ast.Call(name, [], [], lineno=name.lineno) for name in bare), *calls]:
        kind = vars(module).get(node.func.id)  # type: ignore[attr-defined]
        if isinstance(kind, type) and issubclass(kind, UserError):
            keys = [each.value if isinstance(each, ast.Constant) else None for each in node.args] or [""]
            parameters = frozenset(each.arg for each in node.keywords if each.arg) - NOT_PARAMETERS
            yield Use(f"{module.__name__}:{node.lineno}", kind, keys[0], parameters)


ERRORS = list(
    dict.fromkeys(
        kind
        for module in modules()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, ArgusError) and kind not in (ArgusError, UserError)
        if issubclass(kind, UserError) or kind.status != ArgusError.status
    )
)
USES = [pytest.param(use, id=use.where) for module in modules() for use in uses_in(module)]


@pytest.mark.parametrize("kind", ERRORS, ids=code_of)
def test_an_error_has_a_message_of_its_own(kind: type[ArgusError]) -> None:
    assert code_of(kind) in messages_of(".".join(kind.__module__.split(".")[:2]))


@pytest.mark.parametrize("use", USES)
def test_an_error_passes_exactly_the_parameters_of_its_text(use: Use) -> None:
    entry = messages_of(".".join(use.kind.__module__.split(".")[:2]))[code_of(use.kind)]
    if use.key is None:
        pytest.fail("write the key out, so that this test can read it")
    text = entry.text(use.key)
    assert (text is not None) or not use.key, f"there is no detail {use.key!r}"
    assert use.parameters == (names(text.en) if text else set()) | names(entry.title.en)


def test_every_detail_is_used() -> None:
    used = {(code_of(each.kind), each.key) for module in modules() for each in uses_in(module)}
    for package in PACKAGES:
        source = "".join(path.read_text() for path in Path(str(import_module(package).__file__)).parent.rglob("*.py"))
        for code, entry in messages_of(package).items():
            unused = [key for key in entry.details if (code, key) not in used and source.count(f'"{key}"') < 2]
            assert not unused, f"{code}: {unused}"
