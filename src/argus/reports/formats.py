"""The formats there are."""

import importlib
from dataclasses import dataclass

from argus.reports.data import ReportData


@dataclass(frozen=True)
class Format:
    """A kind of document; its builder is imported when it is needed."""

    name: str
    content_type: str
    extension: str
    shows_picture: bool = False

    def build(self, document: ReportData) -> bytes:
        built: bytes = importlib.import_module(f"argus.reports.as_{self.name}").build(document)
        return built


FORMATS = {
    kind.name: kind
    for kind in (
        Format("json", "application/json", "json"),
        Format("csv", "text/csv; charset=utf-8", "csv"),
        Format("geojson", "application/geo+json", "geojson"),
        Format("pdf", "application/pdf", "pdf", shows_picture=True),
    )
}
