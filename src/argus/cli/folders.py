"""The files to upload: all that are named, and from folders those with the extension of a radiometric image."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from argus.cli.errors import Misconfigured
from argus.cli.formatting import number_of

EXTENSIONS = (".fff", ".jpeg", ".jpg", ".tif", ".tiff")
_MAX_NAMES = 10


@dataclass(frozen=True)
class Folder:
    """The files to upload from a folder and its subfolders. Hidden files and folders are ignored."""

    path: Path
    files: tuple[Path, ...]
    skipped: tuple[Path, ...]  # because of their extension

    @classmethod
    def read(cls, path: Path) -> "Folder":
        """Raises Misconfigured if the folder or a subfolder cannot be read."""
        found = sorted(_visible_files(path))
        files = tuple(file for file in found if file.suffix.lower() in EXTENSIONS)
        return cls(path, files, tuple(file for file in found if file.suffix.lower() not in EXTENSIONS))

    def summary(self) -> str:
        """`survey: 6 files; 2 skipped because of their extension: notes.txt, track.gpx`."""
        summary = f"{self.path}: {number_of(len(self.files), 'file')}"
        if not self.skipped:
            return summary
        names = [str(file.relative_to(self.path)) for file in self.skipped[:_MAX_NAMES]]
        if more := len(self.skipped) - len(names):
            names.append(f"and {more} more")
        return f"{summary}; {len(self.skipped)} skipped because of their extension: {', '.join(names)}"


def read_folders(paths: Iterable[Path]) -> list[Folder]:
    return [Folder.read(path) for path in paths if path.is_dir()]


def selected(paths: Iterable[Path], folders: Iterable[Folder]) -> list[Path]:
    """The files to upload, each once, in the order of the command line."""
    by_path = {folder.path: folder.files for folder in folders}
    return list(dict.fromkeys(file for path in paths for file in by_path.get(path, (path,))))


def _visible_files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_raise_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in files if not name.startswith(".")):
            if path.is_file():  # no sockets, pipes or broken links
                yield path


def _raise_unreadable(error: OSError) -> NoReturn:
    raise Misconfigured(f"{error.filename} cannot be read: {error.strerror}.") from error
