"""Rules for every module, route, job, setting and capability."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from graphlib import TopologicalSorter
from operator import attrgetter
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from argus import capabilities
from argus.app import create_app
from argus.container import Container
from argus.core.declarations import API_PREFIX, Capability, load
from argus.core.settings import Settings, declared
from argus.identity.model import Role
from argus.jobs import JOBS, TICKS, UPLOADS
from argus.reports.model import Column
from services.api import openapi, reference
from services.worker.batch import MAX_RECEIVES
from tests.conftest import LONGEST

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "argus"
INSTALLED = capabilities.installed()
CAPABILITIES = {capability.name for capability in INSTALLED}
EACH = pytest.mark.parametrize("capability", INSTALLED, ids=attrgetter("name"))
MODULES = sorted(SRC.rglob("*.py"))
PLUGIN_CODE = ("argus.scanning.plugins.", "argus.scanning.testkit")
PUBLIC = {
    *("sign-in.sign_in", "health.alive", "health.ready", "documents.start"),
    *(f"documents.{name}" for name in ("openapi", "document", "explorer", "with_slash", "asset", "errors", "error")),
    "images.get_picture",  # its token is the permission: tests/imagery/test_pictures.py
}


def _name(path: Path) -> str:
    return ".".join(("argus", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")


def _imports(path: Path) -> Iterator[str]:
    """Every module that a module imports, except for type checking."""
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = _package_above(path, node.level) if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        todo.extend(ast.iter_child_nodes(node))


def _package_above(path: Path, level: int) -> list[str]:
    """The package that a relative import of this level starts from."""
    root = SRC.parent if path.is_relative_to(SRC) else ROOT
    return list(path.parents[level - 1].relative_to(root).parts)


def _loaded_by(module: str) -> set[str]:
    """The modules that a new interpreter has imported after importing a module."""
    script = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=ROOT, env={})
    return set(json.loads(done.stdout.splitlines()[-1]))


# ---------------------------------------------------------------- import rules


def test_the_api_imports_no_numpy_no_pillow_no_boto3_and_no_plugin() -> None:
    loaded = _loaded_by("services.api.main")
    assert not loaded & {"numpy", "PIL", "reportlab", "boto3", "rasterio", "moto"}
    assert not [name for name in loaded if name.startswith("argus.scanning.plugins.")]


@pytest.mark.parametrize("service", ["worker", "scanner", "scheduler", "realtime"])
def test_background_functions_import_no_web_framework(service: str) -> None:
    assert not _loaded_by(f"services.{service}.main") & {"flask", "werkzeug", "jwt", "cryptography", "marshmallow"}


def test_the_realtime_function_counts_handshakes_without_a_web_framework() -> None:
    assert not _loaded_by("argus.core.ratelimit") & {"flask", "werkzeug", "flask_limiter", "marshmallow"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_follow_the_architecture(path: Path) -> None:
    name = _name(path)
    parts = name.split(".")
    home = parts[1] if len(parts) > 1 else ""
    for imported in _imports(path):
        if imported.split(".")[0] in {"services", "infra", "tests", "benchmarks"}:
            pytest.fail(f"{name} imports {imported}: src must not import its entry points")
        if home == "core":
            assert not imported.startswith("argus.") or imported.startswith("argus.core"), f"{name} -> {imported}"
        if home in CAPABILITIES:
            target = imported.split(".")
            assert imported.rpartition(".")[0] not in {"argus.app", "argus.container", "argus.jobs"}
            if target[0] == "argus" and len(target) > 2 and target[1] in CAPABILITIES - {home}:
                assert target[2] not in {"store", "routes", "schemas"}, f"{name} -> {imported}"
                if not name.startswith(PLUGIN_CODE):
                    assert target[2] == "model", f"{name} -> {imported}"
        if parts[-1] == "model" and imported.startswith("argus"):
            assert imported.startswith("argus.core.languages"), f"{name} -> {imported}: a model is pure"


# The packages outside src, and the others of them that each may import. Nothing may import tests.
FUNCTIONS = {"services.api", "services.worker", "services.scanner", "services.scheduler", "services.realtime"}
MAY_IMPORT: dict[str, set[str]] = {
    "infra": set(),
    "infra.embedded": {"infra"},
    "infra.deploy": {"infra", "services.local.demo"},
    **{function: set() for function in FUNCTIONS},
    "services.scanner": {"services.worker"},
    "services.local.demo": set(),
    "services.local": {"infra", "infra.embedded", "services.local.demo", *FUNCTIONS},
    "services.local.rehearsal": {"infra", "infra.embedded", "infra.deploy", "services.local", "services.scheduler"},
    "benchmarks": {"infra", "infra.embedded", "infra.deploy", "services.api", "services.local.rehearsal"}
    | {"services.local", "services.local.demo"},
}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _package(module: str) -> str:
    """The longest entry of MAY_IMPORT that contains a module, or the module itself."""
    parts = module.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in MAY_IMPORT), module)


OUTSIDE = [
    path
    for folder in ("services", "infra", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.name != "__init__.py" and "node_modules" not in path.parts
]


@pytest.mark.parametrize("path", OUTSIDE, ids=_module)
def test_packages_outside_src_import_each_other_in_one_direction_and_no_tests(path: Path) -> None:
    home = _package(_module(path))
    assert home in MAY_IMPORT, f"add {home} to MAY_IMPORT"
    ours = [name for name in _imports(path) if name.split(".")[0] in {"services", "infra", "benchmarks", "tests"}]
    assert {_package(name) for name in ours} - {"services"} <= MAY_IMPORT[home] | {home}


def test_no_two_packages_outside_src_import_each_other() -> None:
    TopologicalSorter(MAY_IMPORT).prepare()  # raises CycleError


PLANNED = {"accounts", "hosts", "numbers", "surveys", "targets"}  # capabilities with names that are ordinary words


def _names(capabilities: set[str]) -> str:
    """A pattern of capabilities that are named: as a module or service, or as text that is no key of a mapping."""
    names = "|".join(sorted(capabilities))
    text = rf"(?P<quote>[\"'])(?:{names})(?P=quote)"
    return rf"\bargus\.(?:{names})\b|(?<![\w.])(?:{names})\.[a-z_]|(?<!\[)(?<!\.get\(){text}"


def _references_to_capabilities() -> re.Pattern[str]:
    """Matches names of capabilities, modules, scopes, schemas and routes, and ids with a prefix of a capability."""
    document = openapi.document()
    scopes = {scope.name for capability in INSTALLED for scope in capability.scopes}
    routes = {path.removeprefix(API_PREFIX).split("/")[1] for path in document["paths"]}
    prefixes = set(re.findall(r'"\^([a-z]+)_\[', json.dumps(document)))
    schemas = {name for name in document["components"]["schemas"] if re.fullmatch(r"\w+(?:In|Out|Page)", name)}
    ids = {name for path in document["paths"] for name in re.findall(r"{(\w+)}", path)}
    return re.compile(
        rf"{_names(CAPABILITIES | PLANNED)}"
        rf"|\b(?:{'|'.join(scopes | schemas | ids)})\b"
        rf"|(?<!\w)/(?:{'|'.join(routes)})\b|{API_PREFIX}/"
        rf"|\b(?:{'|'.join(prefixes)})_(?:…|[0-9a-z]{{26}})"
    )


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from argus.numbers.model import Number", True),
        ("import argus.numbers", True),
        ("numbers.rent(number)", True),
        ('argus.method("numbers")', True),
        ("# a page has numbers.", False),
        ("numbers = sorted(numbers)", False),
        ("one.numbers.items()", False),
        ('context["numbers"], context.get("numbers")', False),
    ],
)
def test_a_capability_is_named_as_a_module_a_service_or_text(code: str, names: bool) -> None:
    assert bool(re.search(_names({"numbers"}), code)) == names


def test_core_names_no_capability_and_nothing_of_one() -> None:
    references = _references_to_capabilities()
    core = [path for path in MODULES if SRC / "core" in path.parents]
    assert core
    coding = 'NO_CODING = "identity"'  # a word of HTTP
    sources = {_name(path): path.read_text().replace(coding, "") for path in core}
    found = {name: [match[0] for match in references.finditer(source)] for name, source in sources.items()}
    assert {name: names for name, names in found.items() if names} == {}


_ORDER = ["model", "store", "service", "routes"]


@pytest.mark.parametrize("path", [path for path in MODULES if path.stem in _ORDER], ids=_name)
def test_inside_a_capability_the_order_is_routes_service_store_model(path: Path) -> None:
    home = f"argus.{path.parent.name}."
    for imported in _imports(path):
        layer = imported.removeprefix(home).split(".")[0]
        if imported.startswith(home) and layer in _ORDER:
            assert _ORDER.index(layer) < _ORDER.index(path.stem), f"{_name(path)} -> {imported}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_entry_points_import_flask_and_only_imagery_imports_numpy(path: Path) -> None:
    name = _name(path)
    roots = {imported.split(".")[0] for imported in _imports(path)}
    is_entry_point = (
        name in {"argus.app", "argus.documents"}
        or name.startswith("argus.core.http")
        or path.stem in {"routes", "schemas"}
    )
    if not is_entry_point:
        assert not roots & {"flask", "flask_smorest", "flask_limiter", "flask_cors", "werkzeug", "webargs"}
    if not name.startswith(("argus.imagery.", *PLUGIN_CODE)):
        assert not roots & {"numpy", "PIL"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_the_typesetter_and_drawings_import_reportlab(path: Path) -> None:
    name = _name(path)
    if not (name.startswith("argus.core.pdf.") or path.stem == "drawing"):
        assert "reportlab" not in {imported.split(".")[0] for imported in _imports(path)}


# ---------------------------------------------------------------- routes and documents


@pytest.fixture(scope="module")
def bare() -> Container:
    return Container(Settings.from_env({}))


def test_every_route_declares_its_scope_or_is_listed_as_public(bare: Container) -> None:
    app = create_app(bare)
    scopes = {name: vars(view)["argus_scope"] for name, view in app.view_functions.items()}
    assert {name for name, scope in scopes.items() if scope is None} == PUBLIC
    declared = {scope.name for capability in INSTALLED for scope in capability.scopes}
    assert set(scopes.values()) - {None} == declared
    assert all(re.fullmatch(r"[a-z]+:(read|write)", scope) for scope in declared)


def test_every_scope_belongs_to_existing_roles(bare: Container) -> None:
    assert set(bare.role_scopes) == set(Role)
    assert bare.role_scopes[Role.OWNER] == frozenset().union(*bare.role_scopes.values())
    assert set(bare.event_scopes().values()) <= bare.role_scopes[Role.OWNER]


def test_every_published_change_is_of_a_declared_kind(bare: Container) -> None:
    published = {
        node.args[0].value
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Change" and isinstance(node.args[0], ast.Constant)
    }
    assert published == set(bare.event_scopes())


def test_every_route_is_documented_with_a_schema() -> None:
    document = openapi.document()
    app = create_app(Container(Settings.from_env({})))
    routes = {str(rule) for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("documents.")}
    assert {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route) for route in routes} == set(document["paths"]) | {
        re.sub(r"{(\w+)}", r"{\1}", path) for path in document["paths"]
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            (success,) = (code for code in operation["responses"] if code.startswith("2") or code == "302")
            assert (
                success in ("204", "302") or "schema" in operation["responses"][success]["content"]["application/json"]
            ), path
            assert operation["summary"], path


def test_the_committed_openapi_document_is_up_to_date() -> None:
    assert openapi.TARGET.read_text() == openapi.text(), "run `make docs`"


def test_the_openapi_document_is_valid() -> None:
    OpenAPIV31SpecValidator(openapi.document()).validate()


# ---------------------------------------------------------------- jobs, settings, files


def _jobs_sent() -> set[str]:
    sent = set()
    for path in [*MODULES, *ROOT.glob("services/worker/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("jobs.send", "Call")) and node.args:
                (name, *_) = node.args
                if isinstance(name, ast.Constant):
                    sent.add(name.value)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Background":
                sent |= {ast.literal_eval(given.value) for given in node.keywords if given.arg == "job"}
    return sent


def test_every_job_sent_is_declared_and_every_declared_job_is_sent() -> None:
    assert _jobs_sent() | set(UPLOADS.values()) == set(JOBS)


def test_every_job_and_tick_names_a_method_of_a_service(bare: Container) -> None:
    for job in JOBS.values():
        assert callable(job.run(bare))
        assert callable(job.give_up(bare))
    for tick in TICKS.values():
        assert callable(tick(bare))


def test_the_worker_gives_up_after_max_receive_count() -> None:
    declared = re.findall(r"maxReceiveCount: (\d+)", (ROOT / "infra" / "data.yaml").read_text())
    assert {int(count) for count in declared} == {MAX_RECEIVES}


@pytest.mark.parametrize("page", reference.PAGES, ids=lambda path: path.name)
def test_a_committed_reference_page_is_up_to_date(page: Path) -> None:
    assert page.read_text() == reference.PAGES[page](), "run `make docs`"


# ---------------------------------------------------------------- capabilities


@pytest.mark.parametrize(
    "kind",
    ["tables", "scopes", "authenticators", "jobs", "objects", "ticks", "targets", "tools", "events", "migrations"],
)
def test_no_two_capabilities_declare_the_same_name(kind: str) -> None:
    declared = [getattr(each, "name", each) for capability in INSTALLED for each in getattr(capability, kind)]
    assert len(declared) == len(set(declared))


def test_names_of_settings_and_errors_are_unique() -> None:
    variables = [each.metadata["name"] for kind in capabilities.settings() for each in declared(kind)]
    codes = re.findall(r"(?m)^\| `(\w+)` \|", reference.errors())
    for names in (variables, codes):
        assert len(names) == len(set(names))


@EACH
def test_a_capability_is_named_as_its_folder(capability: Capability) -> None:
    assert (SRC / capability.name / "capability.py").exists()


@EACH
def test_everything_that_a_capability_names_exists(capability: Capability, bare: Container) -> None:
    for service in capability.services:
        assert getattr(bare, service) is getattr(bare, service), "a service is built once"
    jobs = [name for job in capability.jobs.values() for name in (job.run, job.give_up)]
    methods = [*jobs, *capability.ticks.values(), *capability.authenticators.values()]
    assert all(callable(bare.method(name)) for name in methods)
    for kind in capability.targets.values():
        functions = (kind.canonical, kind.authorise, kind.label, kind.report_section)
        assert all(callable(bare.function(name)) for name in functions if name)
        columns = load(kind.report_columns) if kind.report_columns else ()
        assert all(isinstance(column, Column) for column in columns)
    assert all(callable(tool.build(bare)) for tool in capability.tools.values())
    assert set(capability.objects.values()) <= set(capability.jobs)
    assert all(callable(load(name)) for name in (*capability.blueprints, *capability.migrations.values()))
    assert all(re.match(r"\d{4}-\d{2}-\d{2}-", name) for name in capability.migrations)


@EACH
def test_a_capability_declares_the_tables_of_its_template(capability: Capability) -> None:
    template = ROOT / "infra" / f"{capability.name}.yaml"
    made = re.findall(r" TableName: !Sub argus-\$\{Stage\}-(\w+)", template.read_text()) if template.exists() else []
    assert made == [table.name for table in capability.tables]


def test_the_guide_explains_everything_that_a_capability_declares() -> None:
    guide = (ROOT / "docs" / "capabilities.md").read_text()
    explained = set(re.findall(r"`(\w+)`", "".join(re.findall(r"(?m)^\| (`\w+`.*?) \|", guide))))
    assert explained == {each.name for each in fields(Capability)} - {"name", "about"}


def test_tracked_files_contain_no_unfinished_work_and_no_machine_paths() -> None:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, check=True, cwd=ROOT, text=True).stdout
    unfinished = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|(?<![\w.])/(?:work|farm|root)/")
    for name in listed.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".ts", ".tsx", ".txt"} and path.exists():
            assert not unfinished.search(path.read_text()), name


def test_retired_words_are_not_used() -> None:
    """docs/decisions/names.md lists what replaces them."""
    retired = re.compile(
        r"\b(?:tell(?:s|ing)?|told|whoever|somebody|gravest|sightings?|settle[sd]?|hurried|patience)\b", re.IGNORECASE
    )
    excluded = {"docs/decisions/names.md", "tests/test_repository.py"}
    listed = subprocess.run(["git", "ls-files"], capture_output=True, check=True, cwd=ROOT, text=True).stdout
    for name in listed.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".yaml", ".js", ".mjs", ".toml"} and path.exists() and name not in excluded:
            assert retired.findall(path.read_text()) == [], name


def test_every_file_that_runs_first_exists() -> None:
    assert [name for name in LONGEST if not (ROOT / "tests" / f"{name}.py").exists()] == []
