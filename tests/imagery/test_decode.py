"""The decoder returns a thermogram or refuses the file, in bounded time and memory, for any input."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argus.core.errors import Invalid
from argus.core.languages import Message
from argus.imagery.decode import decode
from argus.imagery.model import LinearScale
from argus.imagery.thermogram import Thermogram, Undecodable
from services.local.demo.scenes import FlirFile, dji_scene, tiff16
from tests.imagery.hostile import ACCEPTED, REFUSED, looping_exif, small

SECONDS, MEGABYTES = 5, 64

VALID = {
    "FLIR JPEG, PNG counts": small().jpeg(),
    "FLIR JPEG, raw counts": FlirFile(small().counts, record="raw", part_bytes=2000).jpeg(),
    "FLIR FFF": small().fff(),
    "DJI JPEG": dji_scene()[0],
    "TIFF": tiff16(small().counts, scale=0.002),
    "TIFF, LZW": tiff16(small().counts, scale=0.002, compression="tiff_lzw"),
    "looping EXIF": looping_exif(),
}
KINDS = {kind().code for kind in Undecodable.__subclasses__()}
MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow]
)


@contextmanager
def bounded() -> Iterator[None]:
    """Fail if the block takes more CPU time or memory than a small file may."""
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    seconds = time.process_time() - start
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert seconds < SECONDS
    assert megabytes < MEGABYTES


def outcome(data: bytes) -> str:
    """The result for a file: "decoded", or the code of its refusal. Any other error is raised."""
    with bounded():
        try:
            thermogram = decode(data)
        except Undecodable as refusal:
            return refusal.code if refusal.message.detail() else "refused without a detail"
    assert isinstance(thermogram, Thermogram)
    assert thermogram.celsius.shape == (thermogram.capture.height, thermogram.capture.width)
    assert thermogram.celsius.dtype == np.float32
    known = thermogram.celsius[~np.isnan(thermogram.celsius)]
    assert -273.16 < known.min() <= known.max() <= 5000
    return "decoded"


@pytest.mark.parametrize("name", VALID)
def test_valid_files_are_decoded(name: str) -> None:
    assert outcome(VALID[name]) == "decoded"


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_files_are_refused_with_the_right_reason(name: str) -> None:
    code, key, parameters, make = REFUSED[name]
    data = make()
    assert outcome(data) == code
    with pytest.raises(Undecodable) as refusal:
        decode(data)
    assert refusal.value.message == Message("argus.imagery", code, key, parameters)


@pytest.mark.parametrize("name", ACCEPTED)
def test_unusual_files_with_complete_temperatures_are_decoded(name: str) -> None:
    assert outcome(ACCEPTED[name]()) == "decoded"


@pytest.mark.parametrize("name", VALID)
@MANY
@given(data=st.data())
def test_files_with_overwritten_bytes_are_decoded_or_refused(name: str, data: st.DataObject) -> None:
    damaged = bytearray(VALID[name])
    for _ in range(data.draw(st.integers(1, 6))):
        # Half of the damage is in the first kilobytes, which contain most of the structure.
        within = len(damaged) if data.draw(st.booleans()) else min(len(damaged), 4096)
        at = data.draw(st.integers(0, within - 1))
        replacement = data.draw(
            st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff" * 2])
        )
        damaged[at : at + len(replacement)] = replacement
    assert outcome(bytes(damaged)) in KINDS | {"decoded"}


@pytest.mark.parametrize("name", VALID)
@MANY
@given(data=st.data())
def test_truncated_and_spliced_files_are_decoded_or_refused(name: str, data: st.DataObject) -> None:
    valid = VALID[name]
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(valid))] * 2)))
    spliced = data.draw(st.sampled_from([valid[:end], valid[:start] + valid[end:], valid[:end] + valid[start:]]))
    assert outcome(spliced) in KINDS | {"decoded"}


@given(st.sampled_from([b"", b"\xff\xd8", b"FFF\0", b"II*\0", b"MM\0*"]), st.binary(max_size=2000))
def test_noise_is_refused(magic: bytes, noise: bytes) -> None:
    assert outcome(magic + noise) in KINDS


def test_a_declared_scale_applies_only_to_tiffs() -> None:
    scaled = decode(VALID["FLIR FFF"], declared_scale=LinearScale(1.0))
    np.testing.assert_array_equal(scaled.celsius, decode(VALID["FLIR FFF"]).celsius)


def test_decoding_errors_are_invalid_with_a_title() -> None:
    for kind in Undecodable.__subclasses__():
        assert issubclass(kind, Invalid)
        assert kind().title.endswith(".")
