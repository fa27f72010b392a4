"""The API's cold start: our package against the same application packaged by plain `zappa package`.

Both run through awslambdaric in new interpreters, alternately, from start until the function requests an invocation.
Prints the ten packages with the highest import time.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.harness import Row
from infra.deploy.functions import declared_settings
from services.local.events import http
from services.local.rehearsal.lambda_runtime import (
    ROOT,
    START,
    Function,
    packages,
    runtime,
    sources_hash,
    unzip,
)

ROUNDS = 9
STAGE = "dev"
ENVIRONMENT = {
    **declared_settings(STAGE)["aws_environment_variables"],
    "ARGUS_CURSOR_SECRET": "s" * 40,
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",  # in the environment, as on Lambda
    "AWS_SECRET_ACCESS_KEY": "none",
}


def run() -> list[Row]:
    ours, peer = packages(), plain_package()
    starts: dict[Path, list[tuple[float, float, float]]] = {ours / "api": [], peer / "api": []}
    for index in range(ROUNDS + 1):
        for task in sorted(starts, reverse=bool(index % 2)):
            measured = _start(task)
            if index:  # the first start of each only fills the disk cache
                starts[task].append(measured)
    init, first, second = (
        [[start[which] * 1e3 for start in starts[folder / "api"]] for folder in (ours, peer)] for which in range(3)
    )
    _print_slowest_imports(ours / "api")
    ratio = median(peer_ms / our_ms for our_ms, peer_ms in zip(*init, strict=True))
    sizes = [(folder / "api.zip").stat().st_size / 1e6 for folder in (ours, peer)]
    name = "same application, plain zappa package"
    return [
        Row("API cold start: init", median(init[0]), name, median(init[1]), "ms", "≥ 2×", ratio),
        Row("API cold start: first GET /health", median(first[0]), name, median(first[1]), "ms", "≤ 5 ms", 0.0),
        Row("packaged API: second GET /health", median(second[0]), name, median(second[1]), "ms", "", 0.0),
        Row("API package, zipped", sizes[0], name, sizes[1], "MB", "≤ 15 MB", sizes[1] / sizes[0]),
        Row("worker package, zipped", (ours / "worker.zip").stat().st_size / 1e6, "", 0.0, "MB", "", 0.0),
    ]


def _start(task: Path) -> tuple[float, float, float]:
    """CPU seconds of init, of the first and of the second request."""
    settings = declared_settings(STAGE)
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        handler, memory = settings["lambda_handler"], settings["memory_size"]
        with Function(task, handler, memory_mb=memory, environment=ENVIRONMENT, log=log) as function:
            cpu = [function.cpu_seconds()]
            for _ in range(2):
                result = function.invoke(http("GET", "/health"))
                assert result.value["statusCode"] == 200, result
                cpu.append(function.cpu_seconds())
            return function.init_cpu_seconds, cpu[1] - cpu[0], cpu[2] - cpu[1]


def plain_package() -> Path:
    """A folder with the `api.zip` that `zappa package` builds from the same sources, and its unzipped content."""
    built = ROOT / "build" / "plain" / sources_hash()
    if built.exists():
        return built
    shutil.rmtree(built.parent, ignore_errors=True)
    built.parent.mkdir(parents=True)
    with TemporaryDirectory() as temporary:
        environment, project = Path(temporary) / "venv", Path(temporary) / "argus"
        clean = shutil.ignore_patterns("__pycache__", "*.egg-info", "node_modules", "dist")
        shutil.copytree(ROOT / "services", project / "services", ignore=clean)
        shutil.copy(ROOT / "zappa_settings.json", project)
        sources = Path(temporary) / "sources"
        shutil.copytree(ROOT / "src", sources / "src", ignore=clean)
        for name in ("pyproject.toml", "README.md", "requirements-api.txt"):
            shutil.copy(ROOT / name, sources)
        python = environment / "bin" / "python"
        _call([sys.executable, "-m", "venv", str(environment)])
        _call([str(python), "-m", "pip", "install", "-q", "-r", str(sources / "requirements-api.txt")])
        _call([str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", str(sources)])
        variables = {**os.environ, "VIRTUAL_ENV": str(environment), "AWS_DEFAULT_REGION": "eu-west-1"}
        zipped = Path(temporary) / "api.zip"
        command = [str(environment / "bin" / "zappa"), "package", STAGE, "--output", str(zipped)]
        _call(command, cwd=project, env=variables)
        part = built.with_name("part")
        unzip(zipped, part / "api")
        shutil.move(zipped, part / "api.zip")
        part.rename(built)
    return built


def _call(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _print_slowest_imports(task: Path) -> None:
    """Print the import time of the API's entry point by package; a module's own imports count for their packages."""
    environment = {
        **ENVIRONMENT,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "LAMBDA_TASK_ROOT": str(task),
        "LAMBDA_RUNTIME_DIR": str(runtime()),
    }
    script = START.partition("from awslambdaric")[0] + "import services.api.gateway"
    interpreter = os.path.realpath(sys.executable)
    command = [interpreter, "-I", "-S", "-X", "importtime", "-c", script]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=task).stderr
    times: Counter[str] = Counter()
    for own, module in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)$", output, re.MULTILINE):
        times[_package(module)] += int(own)
    print("The ten slowest imports of the API, in ms:")
    for name, microseconds in times.most_common(10):
        print(f"  {microseconds / 1e3:7.1f}  {name}")
    print(f"  {sum(times.values()) / 1e3:7.1f}  total")


def _package(module: str) -> str:
    top = module.partition(".")[0].lstrip("_")
    return f"{top} (standard library)" if module.partition(".")[0] in sys.stdlib_module_names else top
