"""The content of the packages."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name

from argus.core.functions import FUNCTIONS, Function
from infra.deploy import package
from infra.deploy.functions import declared_settings
from infra.deploy.package import API, PACKAGES, ROOT, WORKER, Package
from services.local.rehearsal.lambda_runtime import packages
from services.worker.time_limit import START_MS, STOP_MS

MEGABYTE = 1_000_000
GLIBC = (2, 26)  # of Amazon Linux 2, on which Lambda's python3.11 runs

EACH = pytest.mark.parametrize("one", PACKAGES, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def folder() -> Path:
    return packages()


def names(folder: Path, one: Package) -> list[PurePosixPath]:
    with zipfile.ZipFile(folder / f"{one.name}.zip") as opened:
        return [PurePosixPath(name) for name in opened.namelist()]


def tops(folder: Path, one: Package) -> set[str]:
    return {path.parts[0].partition(".")[0] for path in names(folder, one)}


def contents(folder: Path, one: Package) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(folder / f"{one.name}.zip") as opened:
        for name in opened.namelist():
            yield name, opened.read(name)


def test_the_api_is_small_and_without_numpy_and_pillow(folder: Path) -> None:
    assert (folder / "api.zip").stat().st_size <= 15 * MEGABYTE
    assert not tops(folder, API) & {"numpy", "PIL", "reportlab"}


def test_the_worker_contains_numpy_and_pillow_and_is_within_the_size_limit(folder: Path) -> None:
    assert sum(len(content) for _, content in contents(folder, WORKER)) <= 100 * MEGABYTE
    assert {"numpy", "PIL", "reportlab"} <= tops(folder, WORKER)


def test_the_api_contains_the_examples_of_its_openapi_document(folder: Path) -> None:
    examples = [path.relative_to(ROOT / "src") for path in ROOT.glob("src/argus/*/examples.json")]
    assert examples
    assert set(examples) <= set(map(Path, names(folder, API)))


def test_a_second_build_has_the_same_content(folder: Path, tmp_path: Path) -> None:
    """The API's package. The worker's is built by the same steps; the next test compiles its code again."""
    package.build(API, tmp_path)
    first, second = (dict(contents(where, API)) for where in (folder, tmp_path))
    assert [name for name in first | second if first.get(name) != second.get(name)] == []
    zips = [where / f"{API.name}.zip" for where in (folder, tmp_path)]
    assert package.content_hash(zips[0]) == package.content_hash(zips[1])
    assert zips[0].read_bytes() == zips[1].read_bytes()


def test_the_workers_code_compiled_again_is_the_same(folder: Path, tmp_path: Path) -> None:
    task = shutil.copytree(folder / WORKER.name, tmp_path / "task")
    first = {path: path.read_bytes() for path in task.rglob("*.pyc")}
    for path in first:
        path.unlink()
    package._compile(task)
    assert {path: path.read_bytes() for path in task.rglob("*.pyc")} == first


@EACH
def test_a_package_contains_no_tests_tools_or_other_services(folder: Path, one: Package) -> None:
    found = tops(folder, one)
    assert not found & {"moto", "pytest", "hypothesis", "tests", "benchmarks", "infra", "bin", "boto3", "botocore"}
    assert not found & {"pip", "setuptools", "wheel", "troposphere", "requests", "rich", "httpx", "mypy"}
    for path in names(folder, one):
        assert "tests" not in path.parts
        assert path.parts[0] != "argus" or not {"fixtures.py", "testkit.py", "cli"} & set(path.parts)
        assert path.name not in {".env", "RECORD", "direct_url.json", "conftest.py"}
    services = {path.parts[1] for path in names(folder, one) if path.parts[0] == "services"}
    assert services == {"__init__.py", "__pycache__", *one.services}


PRIVATE_KEY = re.compile(rb"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")
# Fonts and manuals of libraries may match by chance: these are searched in Argus's own files only.
OUR_SECRETS = re.compile(rb"(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}|eyJ[\w-]{20,}\.eyJ[\w-]{20,}")
MACHINE = re.compile(rb"/(?:root|home|tmp|Users)/[\w.-]+")


@EACH
def test_a_package_contains_no_secret_and_no_path_of_this_machine(folder: Path, one: Package) -> None:
    for name, content in contents(folder, one):
        assert not PRIVATE_KEY.search(content), name
        assert str(ROOT).encode() not in content, name
        assert b"/argus-api-" not in content, name  # the folder of the build
        assert b"/argus-worker-" not in content, name
        if name.startswith(("argus", "services", "zappa_settings", "__pycache__/zappa_settings")):
            assert not OUR_SECRETS.search(content), name
            assert not MACHINE.search(content), name


@EACH
def test_every_source_has_bytecode_that_lambda_loads_unchecked(folder: Path, one: Package) -> None:
    compiled = {name: content for name, content in contents(folder, one) if name.endswith(".pyc")}
    for path in names(folder, one):
        if path.suffix == ".py":
            content = compiled[str(path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc")]
            assert content[4:8] == b"\x01\x00\x00\x00", path  # PEP 552: hash-based, never checked
            assert f"/var/task/{path}".encode() in content, path


def tags(metadata: str) -> set[Tag]:
    return {tag for text in Parser().parsestr(metadata).get_all("Tag") for tag in parse_tag(text)}


@EACH
def test_every_wheel_loads_on_the_runtime(folder: Path, one: Package) -> None:
    wheels = {name: content.decode() for name, content in contents(folder, one) if name.endswith(".dist-info/WHEEL")}
    assert len(wheels) == len(package.pins(one)) + 1  # plus argus
    for name, metadata in wheels.items():
        assert any(_loads(tag) for tag in tags(metadata)), name


def _loads(tag: Tag) -> bool:
    if tag.abi not in {"none", "abi3", "cp311"}:
        return False
    if tag.platform == "any":
        return True
    needs = re.fullmatch(r"manylinux_(\d+)_(\d+)_x86_64", tag.platform)
    legacy = {"manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64"}
    return tag.platform in legacy or bool(needs and (int(needs[1]), int(needs[2])) <= GLIBC)


@EACH
def test_versions_are_the_pinned_ones(folder: Path, one: Package) -> None:
    pinned = dict(line.split("==") for line in package.pins(one))
    found = {
        canonicalize_name(metadata["Name"]): metadata["Version"]
        for name, content in contents(folder, one)
        if name.endswith(".dist-info/METADATA")
        for metadata in [Parser().parsestr(content.decode())]
    }
    assert {name: version for name, version in found.items() if name != "argus"} == pinned


def test_requirements_of_zappas_command_line_are_left_out_unless_others_need_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pins.txt").write_text(
        "certifi==1       # via requests, sentry-sdk\n"
        "durationpy==1    # via zappa\n"
        "idna==1          # via -c requirements.txt, requests\n"
        "requests==1      # via zappa\n"
        "boto3==1         # via argus (pyproject.toml), zappa\n"
        "six==1           # via boto3\n"
        "sentry-sdk==1    # via argus (pyproject.toml)\n"
        "zappa==1         # via argus (pyproject.toml)\n"
        "# The following packages are considered to be unsafe in a requirements file:\n"
        "pip==1           # via zappa\n"
    )
    monkeypatch.setattr(package, "ROOT", tmp_path)
    pins = package.pins(Package("api", "pins.txt", ()))
    assert pins == ["certifi==1", "durationpy==1", "sentry-sdk==1", "zappa==1"]


# ---------------------------------------------------------------- zappa_settings.json

STAGES = json.loads((ROOT / "zappa_settings.json").read_text())


def test_every_stage_has_all_functions() -> None:
    names = ("dev", "staging", "production")
    suffixes = ("", *(f"_{name}" for name in ("worker", "scanner", "scheduler", "realtime")))
    assert set(STAGES) == {f"{name}{suffix}" for name in names for suffix in suffixes}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_configured_safely(stage: str) -> None:
    name, _, function = stage.partition("_")
    settings = declared_settings(stage)
    environment = settings["aws_environment_variables"]
    assert (settings["debug"], settings["log_level"], settings["keep_warm"]) == (False, "INFO", False)
    assert (settings["slim_handler"], settings["use_precompiled_packages"]) == (False, False)
    assert (settings["runtime"], settings["manage_roles"]) == ("python3.11", False)
    assert settings["apigateway_enabled"] is (not function)
    assert settings["tags"] == {"project": "argus", "stage": name, "function": function or "api"}
    assert environment["ARGUS_STAGE"] == name
    assert environment["ARGUS_CURSOR_SECRET"] == f"ssm:/argus/{name}/cursor-secret"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_handler_is_in_its_package(folder: Path, stage: str) -> None:
    module, _, function = declared_settings(stage)["lambda_handler"].rpartition(".")
    (one,) = (one for one in (API, WORKER) if module.split(".")[1] in one.services)
    source = dict(contents(folder, one))[module.replace(".", "/") + ".py"]
    assert f"\ndef {function}(event".encode() in source


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_behind_a_queue_has_the_timeout_that_argus_assumes(function: Function) -> None:
    for stage in ("dev", "staging", "production"):
        assert declared_settings(f"{stage}_{function.name}")["timeout_seconds"] == function.timeout_seconds
    stopping = (START_MS + STOP_MS) / 1000
    assert function.plugin_seconds + stopping <= function.timeout_seconds
