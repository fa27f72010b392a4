"""Messages in the reader's language, over HTTP: errors, sentences about fields, and the reasons of stored records."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import marshmallow as ma
import pytest
from marshmallow import validate
from webargs.fields import DelimitedList

from argus import capabilities
from argus.app import create_app
from argus.container import Container
from argus.core.languages import LANGUAGES, Language, Message, Text, field_errors_of, translate
from argus.core.settings import Settings
from argus.imagery import processing
from argus.scanning.catalogue import Catalogue, InvalidOptions
from services.local.demo.scenes import flir_scene
from tests.conftest import Person, Workers
from tests.imagery.uploads import announce, crash, send, uploaded
from tests.problems import at_pointers

FIELD_ERRORS = [
    text
    for package in ("argus.core", *(f"argus.{each.name}" for each in capabilities.installed()))
    for text in field_errors_of(package)
]
SRC = Path(__file__).parents[2] / "src" / "argus"
FILE = {"name": "a.jpg", "size": 10, "content_type": "image/jpeg"}


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr", "fr"),
        ("es", "es"),
        ("en", "en"),
        ("de, fr;q=0.5", "fr"),
        ("en;q=0.1, es", "es"),
        ("fr-CA, en;q=0.1", "fr"),
        ("es-419", "es"),
        ("*", "en"),
        ("de", "en"),
        ("fr;q=0", "en"),
        ("*, es;q=0.1", "es"),
        ("", "en"),
        ("§ ;;q=x, 7", "en"),
    ],
)
def test_an_error_is_in_the_best_of_the_accepted_languages(owner: Person, header: str, language: Language) -> None:
    response = owner.get("/nothing", headers={"Accept-Language": header})
    message = Message("argus.core", "not_found")
    assert response.headers["Content-Language"] == language
    assert response.get_json() == {
        "type": "http://localhost/docs/errors/not_found",
        "title": message.title(language),
        "status": 404,
        "detail": message.detail(language),
        "code": "not_found",
        "request_id": response.headers["X-Request-ID"],
    }


def test_without_accept_language_an_error_is_in_english(anonymous: Person) -> None:
    response = anonymous.get("/me")
    assert (response.headers["Content-Language"], response.get_json()["title"]) == ("en", "Not authenticated")


JSON = {"content_type": "application/json"}
ERRORS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "malformed_request": (400, "POST /uploads", {"data": b"{", **JSON}),
    "no_such_key": (404, "GET /api-keys/key_0", {}),
    "not_found": (404, "GET /nothing", {}),
    "method_not_allowed": (405, "PATCH /images", {}),
    "request_entity_too_large": (413, "POST /uploads", {"data": b" " * (1024 * 1024 + 1), **JSON}),
    "unsupported_media_type": (415, "POST /uploads", {"data": b"x", "content_type": "text/plain"}),
    "unsupported_charset": (
        415,
        "POST /uploads",
        {"data": b"{}", "content_type": "application/json; charset=utf-16"},
    ),
    "unsupported_content_encoding": (
        415,
        "POST /uploads",
        {"data": b"{}", "environ_overrides": {"HTTP_CONTENT_ENCODING": "gzip"}, **JSON},
    ),
    "unprocessable_entity": (422, "GET /images?limit=0", {}),
    "bad_cursor": (422, "GET /images?cursor=abc", {}),
}


@pytest.mark.parametrize("code", ERRORS)
def test_only_the_sentences_of_an_error_depend_on_the_language(owner: Person, code: str) -> None:
    status, request, arguments = ERRORS[code]
    method, _, path = request.partition(" ")
    problems = {
        language: owner.call(method, path, headers={"Accept-Language": language}, **arguments).get_json()
        for language in LANGUAGES
    }
    for problem in problems.values():
        assert (problem["status"], problem["code"]) == (status, code)
        assert problem["type"] == f"http://localhost/docs/errors/{code}"
    for member in ("title", "detail"):
        assert len({problem[member] for problem in problems.values()}) == len(LANGUAGES), problems


def test_parameters_are_the_same_in_every_language(viewer: Person) -> None:
    response = viewer.post("/uploads", {"files": [FILE]}, headers={"Accept-Language": "fr"})
    assert response.status_code == 403
    assert response.get_json()["detail"] == (
        "Cette requête exige la portée images:write, que votre rôle ou votre clé d’API n’a pas."
    )


# ---------------------------------------------------------------- reasons of stored records


def _reason(person: Person, image_id: str, language: Language) -> str:
    response = person.get(f"/images/{image_id}", headers={"Accept-Language": language})
    assert response.status_code == 200
    return str(response.get_json()["reason"])


def test_a_stored_reason_is_in_the_readers_language(
    owner: Person, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "decode_file", crash)
    item = announce(owner, b"x")
    send(item, b"x")
    workers.work_until_dead(workers.outputs.uploads_dead_queue_url, item["image_id"])
    assert {language: _reason(owner, item["image_id"], language) for language in LANGUAGES} == {
        "en": "Processing failed after 3 attempts; the operators have been alerted.",
        "fr": "Le traitement a échoué après 3 tentatives\u00a0; les opérateurs ont été alertés.",
        "es": "El procesamiento falló tras 3 intentos; se ha alertado a los operadores.",
    }


def _reject(argus: Container, owner: Person, reason: Message) -> str:
    image_id = str(owner.post("/uploads", {"files": [FILE]}).get_json()["items"][0]["image_id"])
    image = argus.imagery.store.get(owner.organisation_id, image_id)
    assert argus.imagery.store.save(replace(image.rejected(reason), next_check_at=None)) is not None
    return image_id


def test_each_language_of_a_reason_has_an_etag_of_its_own(argus: Container, owner: Person) -> None:
    address = f"/images/{_reject(argus, owner, Message('argus.core', 'processing_failed', 'once'))}"
    english, french = (owner.get(address, headers={"Accept-Language": each}).headers["ETag"] for each in ("en", "fr"))
    assert english != french
    cached = {"Accept-Language": "fr", "If-None-Match": english}
    assert owner.get(address, headers=cached).status_code == 200
    assert owner.get(address, headers={**cached, "If-None-Match": french}).status_code == 304


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (Message("argus.core", "code_of_an_older_release"), "code_of_an_older_release"),
        (Message("argus.removed", "removed_capability"), "removed_capability"),
        (Message("argus.core", "processing_failed", "removed_key"), "Échec du traitement"),
        (
            Message("argus.core", "processing_failed", "attempts", {"renamed": 3}),
            "Le traitement a échoué après {attempts} tentatives\u00a0; les opérateurs ont été alertés.",
        ),
    ],
    ids=["code", "package", "key", "parameter"],
)
def test_a_stored_reason_that_no_longer_exists_is_shown_as_far_as_possible(
    argus: Container, owner: Person, reason: Message, sentence: str
) -> None:
    image_id = _reject(argus, owner, reason)
    assert _reason(owner, image_id, "fr") == sentence
    assert owner.get("/images", headers={"Accept-Language": "fr"}).status_code == 200


@pytest.mark.parametrize("value", ["warm", None, [1], {}], ids=str)
def test_a_parameter_of_another_type_shows_the_template(value: Any) -> None:
    text = Text(en="{celsius:.1f} °C", fr="{celsius:.1f} °C", es="{celsius:.1f} °C")
    assert text.format("en", {"celsius": 21.04}) == "21.0 °C"
    assert text.format("en", {"celsius": value}) == "{celsius:.1f} °C"


def test_french_punctuation_has_non_breaking_spaces_and_parameters_are_unchanged() -> None:
    text = Text(*["« {name} » : a ; b ? c ! d"] * 3)
    assert {language: text.format(language, {"name": "e : f"}) for language in LANGUAGES} == {
        "en": "« e : f » : a ; b ? c ! d",
        "fr": "«\u00a0e : f\u00a0»\u00a0: a\u00a0; b\u00a0? c\u00a0! d",
        "es": "« e : f » : a ; b ? c ! d",
    }


@pytest.mark.parametrize(
    ("template", "value", "english", "others"),
    [
        ("{value} m. 1.5", 2.5, "2.5 m. 1.5", "2,5 m. 1.5"),
        ("{value:.2f} m.", 2.5, "2.50 m.", "2,50 m."),
        ("{value:.0f} m.", 2.75, "3 m.", "3 m."),
        ("{value:g} m.", 0.3, "0.3 m.", "0,3 m."),
        ("{value:g} m.", 2, "2 m.", "2 m."),
        ("{value:g} m.", "nan", "nan m.", "nan m."),
        ("{value:.0f} m.", "1e+39", f"{1e39:.0f} m.", f"{1e39:.0f} m."),
        ("{value} m.", 1000, "1000 m.", "1000 m."),
        ("{value} m.", "a.jpg", "a.jpg m.", "a.jpg m."),
    ],
)
def test_decimal_numbers_have_a_comma_in_french_and_spanish(
    template: str, value: str | float, english: str, others: str
) -> None:
    text = Text(template, template, template)
    formatted = {language: text.format(language, {"value": value}) for language in LANGUAGES}
    assert formatted == {"en": english, "fr": others, "es": others}


# ---------------------------------------------------------------- sentences about fields


def test_sentences_about_fields_are_translated(owner: Person) -> None:
    body = {"files": [{"name": "a\nb", "size": 0, "colour": "red"}], "sector": 7, "site": "x" * 101}
    french, spanish = (
        at_pointers(owner.post("/uploads", body, headers={"Accept-Language": each})) for each in ("fr", "es")
    )
    assert french == {
        "#/files/0/name": "Le texte doit tenir sur une ligne et montrer au moins un caractère, sans caractères de "
        "contrôle, marques de direction ni caractères invisibles.",
        "#/files/0/size": "La valeur doit être comprise entre 1 et 67108864.",
        "#/files/0/content_type": "Ce champ est obligatoire.",
        "#/files/0/colour": "Champ inconnu.",
        "#/sector": "La valeur doit être du texte.",
        "#/site": "La longueur dépasse le maximum de 100.",
    }
    assert spanish["#/files/0/size"] == "El valor debe estar entre 1 y 67108864."


def test_sentences_about_the_query_are_translated(owner: Person) -> None:
    response = owner.get("/images?limit=1&limit=2", headers={"Accept-Language": "es"})
    assert response.get_json()["errors"] == [{"parameter": "limit", "detail": "Indicado más de una vez."}]


def test_sentences_about_options_are_translated(owner: Person, workers: Workers) -> None:
    data, _ = flir_scene(seed=1, width=160, height=120, leaks=2)
    image_id = uploaded(owner, workers, data)["id"]
    options = {"delta_celsius": 0.5, "absolute_celsius": "hot", "min_area_pixels": 1e-300, "colour": "red"}
    body = {
        "target": {"kind": "image", "id": image_id},
        "plugins": [{"id": "thermal_hotspots", "options": options}],
    }
    response = owner.post("/scans", body, headers={"Accept-Language": "fr"})
    assert response.status_code == 422
    assert at_pointers(response) == {
        "#/plugins/0/options/delta_celsius": "La valeur doit être supérieure ou égale à 1.",
        "#/plugins/0/options/absolute_celsius": "La valeur doit être un nombre ou null.",
        "#/plugins/0/options/min_area_pixels": "La valeur doit être un nombre fini de taille raisonnable.",
        "#/plugins/0/options/colour": "Cette option n’existe pas.",
    }


def _input_schemas() -> Iterator[type[ma.Schema]]:
    """The schemas of the bodies and queries of every route."""
    app = create_app(Container(Settings.from_env({})))
    for view in app.view_functions.values():
        for parameters in vars(view).get("_apidoc", {}).get("arguments", {}).get("parameters", ()):
            yield parameters["schema"]


def _templates_of(field: ma.fields.Field[Any]) -> Iterator[str]:
    """Every sentence that a field may report, as a template."""
    yield from field.error_messages.values()
    for validator in field.validators:
        match validator:
            case validate.Range(min=low, max=high) | validate.Length(min=low, max=high):
                yield (
                    validator.message_all
                    if None not in (low, high)
                    else (validator.message_max if low is None else validator.message_min)
                )
            case validate.OneOf(error=error) | validate.Regexp(error=error):
                yield error
            case _:
                assert not isinstance(validator, validate.Validator), f"translate {type(validator).__name__}"
    if isinstance(field, ma.fields.List | DelimitedList):
        yield from _templates_of(field.inner)
    if isinstance(field, ma.fields.Dict) and field.key_field is not None:
        yield from _templates_of(field.key_field)
    if isinstance(field, ma.fields.Nested):
        yield from _templates_in(field.schema)


def _templates_in(schema: ma.Schema) -> Iterator[str]:
    yield from schema.error_messages.values()
    for field in schema.load_fields.values():
        yield from _templates_of(field)


def _literals() -> Iterator[str]:
    """The sentences that our own schemas report."""
    for path in [*SRC.glob("*/schemas.py"), SRC / "core" / "http" / "wire.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ValidationError"):
                yield ast.unparse(node.args[0]).removeprefix("f").strip("'\"")
    yield "Given more than once."  # `check_query`


_LIMITS: dict[str, tuple[Any, Any, str]] = {  # a limit, a value outside it, and the limit in a sentence
    "minimum": (7, 6, "7"),
    "maximum": (7, 8, "7"),
    "minLength": (7, "a", "7"),
    "maxLength": (7, "a" * 8, "7"),
    "pattern": ("^7$", "a", "^7$"),
    "enum": (["7"], "a", "'7'"),
}


def _error_of_option(schema: dict[str, Any], value: Any) -> str:
    """The sentence about an invalid value of an option."""
    manifest = replace(next(iter(Catalogue.load().all())), options={"properties": {"option": schema}})
    with pytest.raises(InvalidOptions) as refused:
        manifest.check_options({"option": value})
    (error,) = refused.value.errors
    return error.sentence


def _templates_of_options() -> Iterator[str]:
    """Every sentence about an option, by what the schema of manifests allows in an option."""
    yield "There is no such option."
    yield _error_of_option({"type": "number", "default": 0}, float("nan"))
    schema = json.loads((SRC / "scanning" / "manifest.schema.json").read_text())
    common = {"type", *schema["definitions"]["option"]["required"]}
    for form in schema["definitions"]["option"]["oneOf"]:
        types = form["properties"]["type"]
        for each in types.get("enum", [types.get("const")]):
            yield _error_of_option({"type": each, "default": None}, [])
        for keyword in form["properties"].keys() - common:
            limit, value, shown = _LIMITS[keyword]
            yield _error_of_option({keyword: limit, "default": None}, value).replace(shown, "{}")


def test_limits_of_options_are_formatted_in_the_language() -> None:
    sentence = _error_of_option({"type": "number", "minimum": 0.25, "default": 1}, 0)
    assert sentence == "Must be bigger than or equal to 0.25."
    assert {language: translate(sentence, FIELD_ERRORS, language) for language in LANGUAGES} == {
        "en": sentence,
        "fr": "La valeur doit être supérieure ou égale à 0,25.",
        "es": "El valor debe ser mayor o igual que 0,25.",
    }


def _without_names(template: str) -> str:
    return re.sub(r"{[^}]*}", "{}", template)


def test_every_sentence_about_a_field_has_a_translation_and_every_translation_is_used() -> None:
    used = {template for schema in _input_schemas() for template in _templates_in(schema())}
    expected = {_without_names(template) for template in [*used, *_literals(), *_templates_of_options()]}
    assert {_without_names(text.en) for text in FIELD_ERRORS} == expected


@pytest.mark.parametrize("text", FIELD_ERRORS, ids=lambda text: text.en)
def test_a_sentence_about_a_field_is_translated_by_its_own_text(text: Text) -> None:
    parameters: dict[str, str] = {name: f"<{name}>" for name in re.findall(r"{(\w+)}", text.en)}
    for language in LANGUAGES:
        assert translate(text.format("en", parameters), FIELD_ERRORS, language) == text.format(language, parameters)


def test_a_sentence_without_a_translation_stays_in_english() -> None:
    assert translate("Must be a prime number.", FIELD_ERRORS, "fr") == "Must be a prime number."
