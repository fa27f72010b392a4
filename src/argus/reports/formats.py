"""The formats of reports."""

import importlib
from dataclasses import dataclass

from argus.reports.data import ReportData


@dataclass(frozen=True)
class Format:
    """A file format. Its builder is imported on first use."""

    name: str
    content_type: str
    extension: str
    shows_blocks: bool = False  # whether it renders the blocks of the section of the target

    def build(self, data: ReportData) -> bytes:
        built: bytes = importlib.import_module(f"argus.reports.as_{self.name}").build(data)
        return built


FORMATS = {
    kind.name: kind
    for kind in (
        Format("json", "application/json", "json"),
        Format("csv", "text/csv; charset=utf-8", "csv"),
        Format("geojson", "application/geo+json", "geojson"),
        Format("pdf", "application/pdf", "pdf", shows_blocks=True),
    )
}
