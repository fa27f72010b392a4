"""An external decoder: a program of the operator's choice, run with limits, whose output is not trusted."""

import json
import logging
import os
import re
import shlex
import stat
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argus.core.functions import FUNCTIONS, WORKER
from argus.core.languages import Message
from argus.imagery.decode import decode
from argus.imagery.external import DecoderFailed, ExternalDecoder
from argus.imagery.model import Accuracy, AccuracyKind
from argus.imagery.thermogram import FixedTemperatures, Undecodable
from services.local.demo.scenes import Setting, dji_scene
from tests.imagery.decoders import FAKE


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "decoder.py"


def decoder(program: Path, code: str, *arguments: str, seconds: float = 30) -> ExternalDecoder:
    program.write_text(code, encoding="utf-8")
    line = shlex.join([sys.executable, str(program), "{input}", "{output}", *arguments])
    found = ExternalDecoder.of(line)
    assert found
    return replace(found, seconds=seconds)


def failure(external: ExternalDecoder) -> str:
    with pytest.raises(DecoderFailed) as failed:
        external.celsius(b"\xff\xd8", width=640, height=512)
    return failed.value.cause


def test_its_temperatures_are_exact_for_every_format(program: Path) -> None:
    external = decoder(program, FAKE, "640", "512")
    for options in [{}, {"model": "ZH20T", "header": b"\xaa\x55\x12\x06"}, {"model": ""}, {"model": "M9X"}]:
        data, _ = dji_scene(**dict[str, Any](options))
        thermogram = decode(data, dji_decoder=external)
        assert thermogram.capture.accuracy == Accuracy(AccuracyKind.EXACT, None)
        assert thermogram.capture.parameters.distance_source is None
        rows, columns = np.mgrid[0:512, 0:640]
        np.testing.assert_allclose(thermogram.celsius, rows + columns / 1000, rtol=1e-6)
        with pytest.raises(FixedTemperatures):
            thermogram.recalibrated(thermogram.capture.parameters)


def test_absolute_zero_is_no_temperature(program: Path) -> None:
    code = FAKE.replace("(row + column / 1000 for", "(-273.15 if column < 3 else row + column / 1000 for")
    celsius = decoder(program, code, "640", "512").celsius(b"\xff\xd8", width=640, height=512)
    assert np.isnan(celsius[:, :3]).all()
    assert np.isfinite(celsius[:, 3:]).all()


@pytest.mark.parametrize("value", ("float('nan')", "float('inf')", "-200.0"))
def test_temperatures_that_no_scene_has_are_a_failure(program: Path, value: str) -> None:
    external = decoder(program, FAKE.replace("(row + column / 1000 for", f"({value} for"), "640", "512")
    assert "cannot be those of a scene" in failure(external)
    assert decode(dji_scene()[0], dji_decoder=external).capture.accuracy == Accuracy(AccuracyKind.EXACT, 0.3)


def test_a_batch_of_files_has_time_for_a_decoder_that_hangs() -> None:
    events = (Path(__file__).parents[2] / "infra" / "events.yaml").read_text(encoding="utf-8")
    (batch,) = re.findall(r"UploadsMapping:.*?BatchSize: (\d+)", events, re.DOTALL)
    assert ExternalDecoder(()).seconds * int(batch) < FUNCTIONS[WORKER].timeout_seconds - 30


def test_it_has_a_folder_of_its_own_and_no_environment(program: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    os.environ["A_SECRET_OF_THE_WORKER"] = "value"
    try:
        code = (
            "import json, os, resource, sys\n"
            f"json.dump([sorted(os.environ), os.getcwd(), os.listdir(), resource.getrlimit(resource.RLIMIT_AS)[0], "
            f"sys.argv[1:3]], open({str(seen)!r}, 'w'))\n"
        )
        failure(decoder(program, code))
    finally:
        del os.environ["A_SECRET_OF_THE_WORKER"]
    environment, folder, files, memory, arguments = json.loads(seen.read_text(encoding="utf-8"))
    assert set(environment) <= {"LC_CTYPE"}  # which Python sets itself
    assert sorted(files) == ["image.jpg", "messages"]
    assert arguments == [f"{folder}/image.jpg", f"{folder}/image.tif"]
    assert memory == 4 * 1024**3
    assert not Path(folder).exists()


def test_no_shell_interprets_the_command(program: Path, tmp_path: Path) -> None:
    failure(decoder(program, "pass", f"; touch {tmp_path}/created", f"$(touch {tmp_path}/created)"))
    assert not (tmp_path / "created").exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    (
        ("pass", "it wrote no output"),
        ("raise SystemExit('no licence for this camera')", "no licence for this camera"),
        ("import os, sys; os.symlink('/etc/hostname', sys.argv[2])", "it wrote no output"),
        ("import os, sys; os.mkfifo(sys.argv[2])", "no regular file"),
        ("import os, sys; os.mkdir(sys.argv[2])", "no regular file"),
        ("import sys; open(sys.argv[2], 'wb').write(b'not a TIFF')", "not a float32 TIFF of 640 x 512 pixels"),
        ("import sys; f = open(sys.argv[2], 'wb'); [f.write(bytes(1 << 20)) for _ in range(65)]", "it ended with"),
        ("bytearray(5 * 1024**3)", "MemoryError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "it ended with -11"),
    ),
    ids=("nothing", "error", "link", "pipe", "folder", "text", "too large", "memory", "crash"),
)
def test_each_failure_has_a_reason(program: Path, code: str, reason: str) -> None:
    assert reason in failure(decoder(program, code))


@pytest.mark.parametrize("size", (("512", "640"), ("640", "511")), ids="x".join)
def test_an_output_of_another_size_is_refused(program: Path, size: tuple[str, str]) -> None:
    assert "not a float32 TIFF of 640 x 512" in failure(decoder(program, FAKE, *size))


def test_it_and_its_children_are_killed_after_the_time_limit(program: Path, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    code = (
        "import subprocess, sys, time\n"
        f'child = "import time, pathlib; time.sleep(3); pathlib.Path({str(alive)!r}).touch()"\n'
        "subprocess.Popen([sys.executable, '-c', child])\n"
        "time.sleep(60)\n"
    )
    started = time.monotonic()
    assert failure(decoder(program, code, seconds=1)) == "it did not end within 1 seconds"
    assert time.monotonic() - started < 3
    time.sleep(3)
    assert not alive.exists()


def test_a_program_that_cannot_be_started_is_a_failure(tmp_path: Path) -> None:
    absent = ExternalDecoder((str(tmp_path / "absent"), "{input}", "{output}"))
    assert "No such file" in failure(absent)


# ---------------------------------------------------------------- what images become when it fails


def test_argus_converts_the_file_itself_if_it_can(program: Path, caplog: pytest.LogCaptureFixture) -> None:
    data, truth = dji_scene()
    with caplog.at_level(logging.WARNING, "argus.imagery"):
        thermogram = decode(data, dji_decoder=decoder(program, "raise SystemExit('broken')"))
    assert thermogram.capture.accuracy == Accuracy(AccuracyKind.EXACT, 0.3)
    assert np.abs(thermogram.celsius - truth.celsius).max() < 0.1
    assert [record.message for record in caplog.records] == ["the external decoder failed"]


def test_a_file_that_nobody_can_convert_is_refused_with_its_own_reason(program: Path) -> None:
    data, _ = dji_scene(model="M9X", setting=Setting(distance=5))
    with pytest.raises(Undecodable) as refused:
        decode(data, dji_decoder=decoder(program, "pass"))
    assert refused.value.message == Message(
        "argus.imagery", "unsupported", "dji_camera", {"format": "iirp", "model": "M9X"}
    )


# ---------------------------------------------------------------- the setting


@pytest.mark.parametrize(
    ("line", "reason"),
    (
        ("decoder {input} {output}", "absolute path"),
        ("/opt/decoder {input}", "{output} once"),
        ("/opt/decoder {output}", "{input} once"),
        ("/opt/decoder {input} {input} {output}", "{input} once"),
        ("/opt/decoder '{input} {output}", "No closing quotation"),
    ),
)
def test_a_command_that_cannot_work_is_rejected(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("{", r"\{")):
        ExternalDecoder.of(line)


def test_without_a_command_there_is_no_decoder() -> None:
    assert ExternalDecoder.of("") is None
    assert ExternalDecoder.of(" ") is None


def test_words_may_be_quoted_and_contain_the_files() -> None:
    found = ExternalDecoder.of("/usr/bin/env LD_LIBRARY_PATH=/opt/dji '/opt/dji decoder' --source={input} {output}")
    assert found
    assert found.command == (
        "/usr/bin/env",
        "LD_LIBRARY_PATH=/opt/dji",
        "/opt/dji decoder",
        "--source={input}",
        "{output}",
    )


def test_the_input_is_readable_by_the_worker_alone(program: Path, tmp_path: Path) -> None:
    seen = tmp_path / "mode"
    failure(decoder(program, f"import os; open({str(seen)!r}, 'w').write(str(os.stat('.').st_mode))"))
    assert stat.S_IMODE(int(seen.read_text(encoding="utf-8"))) == 0o700
