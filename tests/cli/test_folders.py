"""Uploads of folders."""

import shutil
from pathlib import Path

import pytest

from argus.cli.folders import Folder, selected
from tests.cli.conftest import Terminal


@pytest.fixture
def survey(tmp_path: Path, frames: list[Path]) -> Path:
    """Two frames, one of them in a subfolder, and other files."""
    folder = tmp_path / "survey"
    for name in ("b/second.JPG", ".hidden/third.jpg"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(frames[1], folder / name)
    shutil.copy(frames[0], folder / "first.jpg")
    for name in (".thumbnail.jpg", "b/track.gpx", "notes.txt"):
        (folder / name).touch()
    (folder / "broken.jpg").symlink_to("nowhere.jpg")
    return folder


def test_images_of_a_folder_are_sorted_and_skipped_files_are_listed(survey: Path) -> None:
    folder = Folder.read(survey)
    assert folder.files == (survey / "b/second.JPG", survey / "first.jpg")
    assert folder.summary() == f"{survey}: 2 files; 2 skipped because of their extension: b/track.gpx, notes.txt"


def test_many_skipped_files_are_counted(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.txt").touch()
    assert Folder.read(tmp_path).summary().endswith("08.txt, 09.txt, and 2 more")


def test_each_file_is_selected_once_and_named_files_always(survey: Path) -> None:
    paths = [survey / "notes.txt", survey / "first.jpg", survey]
    assert selected(paths, [Folder.read(survey)]) == [*paths[:2], survey / "b/second.JPG"]


def test_a_folder_is_uploaded_and_scanned(terminal: Terminal, running_workers: None, survey: Path) -> None:
    result = terminal.run("image", "upload", str(survey), "--scan")
    assert result.exit_code == 0, result.output
    assert f"{survey}: 2 files; 2 skipped" in result.stderr
    assert "2 scans, findings: 1 " in result.stderr


def test_skipped_files_are_in_the_document(terminal: Terminal, survey: Path) -> None:
    document = terminal.json("image", "upload", str(survey), "--no-wait")
    assert [Path(item["file"]).name for item in document["items"]] == ["second.JPG", "first.jpg"]
    assert document["skipped"] == [str(survey / "b/track.gpx"), str(survey / "notes.txt")]


def test_a_named_file_is_uploaded_whatever_its_extension(
    terminal: Terminal, running_workers: None, survey: Path
) -> None:
    (survey / "notes.txt").write_text("no image")
    (item,) = terminal.json("image", "upload", str(survey / "notes.txt"), code=1)["items"]
    assert item["state"] == "rejected"
    assert item["image_id"].startswith("img_"), "Argus received it"


def test_a_folder_without_images_is_a_usage_error(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = terminal.run("image", "upload", str(tmp_path / "empty"))
    assert (result.exit_code, "No file ends in .fff" in result.stderr) == (2, True)


def test_an_unreadable_folder_is_reported(terminal: Terminal, survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    result = terminal.run("image", "upload", str(survey))
    assert result.exit_code == 3
    assert f"{survey} cannot be read: Permission denied." in result.stderr
