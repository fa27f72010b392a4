"""An external decoder of the operator's choice: a program that converts a DJI file to a TIFF of temperatures.

It runs without a shell and without environment variables, in a folder of its own that is deleted afterwards, with
limits of time, memory and file size. It must write a TIFF of one band of float32 °C, of the size of the thermal image;
NaN or absolute zero is a pixel without a temperature.
"""

import os
import shlex
import signal
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from argus.core.errors import ArgusError
from argus.imagery.model import Accuracy, AccuracyKind, Parameters

if TYPE_CHECKING:
    from argus.imagery.thermogram import Counts, Limits, Temperatures

SECONDS = 15.0  # a batch of five files has 120
MEMORY_BYTES = 4 * 1024**3  # of address space, which numerical libraries reserve generously
FILE_BYTES = 64 * 1024 * 1024
OPEN_FILES = 256
MESSAGE_BYTES = 500
NO_TEMPERATURE = -273.0  # °C; decoders write absolute zero for a pixel without a temperature

# A small process of its own sets the limits and becomes the decoder: code between fork and exec of a process with
# threads can deadlock.
_LAUNCHER = """
import os, resource, sys
memory, size, seconds, files = map(int, sys.argv[1:5])
for kind, limit in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, size), (resource.RLIMIT_CPU, seconds),
                    (resource.RLIMIT_NOFILE, files), (resource.RLIMIT_CORE, 0)):
    soft, hard = resource.getrlimit(kind)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(kind, (limit, limit))
os.execve(sys.argv[5], sys.argv[5:], {})
"""


class DecoderFailed(ArgusError):
    """The external decoder did not convert the file."""

    in_responses = False


@dataclass(frozen=True)
class ExternalDecoder:
    """A command, in which `{input}` and `{output}` stand for the files."""

    command: tuple[str, ...]
    seconds: float = SECONDS
    memory_bytes: int = MEMORY_BYTES

    @classmethod
    def of(cls, line: str) -> "ExternalDecoder | None":
        """The decoder of a command line in the notation of a shell; None if it is empty. Raises ValueError."""
        words = tuple(shlex.split(line))
        if not words:
            return None
        if not Path(words[0]).is_absolute():
            raise ValueError(f"{words[0]!r} must be the absolute path of a program, as the decoder has no PATH")
        for name in ("{input}", "{output}"):
            if sum(word.count(name) for word in words) != 1:
                raise ValueError(f"the command must contain {name} once")
        return cls(words)

    def celsius(self, data: bytes, *, width: int, height: int) -> "Temperatures":
        """The temperatures of a file, (height, width) in °C. Raises DecoderFailed with the reason."""
        from argus.imagery.thermogram import Undecodable, check_scene  # imports numpy
        from argus.imagery.tiff import read_celsius

        output = self._output_of(data)
        try:
            celsius = read_celsius(output, width=width, height=height)
        except Undecodable as error:
            raise DecoderFailed(f"its output is not a float32 TIFF of {width} x {height} pixels") from error
        celsius[celsius <= NO_TEMPERATURE] = float("nan")
        try:
            check_scene(celsius)
        except Undecodable as error:
            raise DecoderFailed("its temperatures cannot be those of a scene") from error
        return celsius

    def _output_of(self, data: bytes) -> bytes:
        try:
            with tempfile.TemporaryDirectory(prefix="argus-decoder-", ignore_cleanup_errors=True) as name:
                folder = Path(name)
                (folder / "image.jpg").write_bytes(data)
                self._run(folder)
                return _output(folder / "image.tif")
        except RecursionError as error:  # from the deletion of many folders in each other
            raise DecoderFailed("its folder could not be deleted") from error

    def _run(self, folder: Path) -> None:
        files = {"{input}": str(folder / "image.jpg"), "{output}": str(folder / "image.tif")}
        command = [_filled(word, files) for word in self.command]
        limits = map(str, (self.memory_bytes, FILE_BYTES, int(self.seconds) + 1, OPEN_FILES))
        with (folder / "messages").open("w+b") as messages:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _LAUNCHER, *limits, *command],
                cwd=folder,
                env={},
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(self.seconds)
            except subprocess.TimeoutExpired as error:
                raise DecoderFailed(f"it did not end within {self.seconds:g} seconds") from error
            finally:
                _kill(process)
            if code:
                messages.seek(max(0, messages.seek(0, os.SEEK_END) - MESSAGE_BYTES))
                raise DecoderFailed(f"it ended with {code}: {messages.read().decode(errors='replace').strip()}")


@dataclass(frozen=True, eq=False)
class Final:
    """Temperatures that an external decoder made. Implements Radiometry."""

    temperatures: "Temperatures"

    adjustable = False
    rises = False

    def limits(self, _parameters: Parameters, /) -> "Limits":
        from argus.imagery import thermogram  # imports numpy

        return thermogram.Limits()

    def accuracy(self, _counts: "Counts", _parameters: Parameters, /) -> Accuracy:
        """Exact by the operator's choice; Argus has not measured the decoder."""
        return Accuracy(AccuracyKind.EXACT)

    def celsius(self, _counts: "Counts", _parameters: Parameters, /) -> "Temperatures":
        return self.temperatures.copy()


def _filled(word: str, files: dict[str, str]) -> str:
    for name, path in files.items():
        word = word.replace(name, path)
    return word


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the decoder and its process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _output(path: Path) -> bytes:
    """The decoder's output. Raises DecoderFailed if it is missing, too large or no regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise DecoderFailed("it wrote no output") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_size > FILE_BYTES:
        os.close(descriptor)
        raise DecoderFailed(f"its output is no regular file of at most {FILE_BYTES} bytes")
    with os.fdopen(descriptor, "rb") as file:
        return file.read(FILE_BYTES)
