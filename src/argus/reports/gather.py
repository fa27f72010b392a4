"""Everything a report shows, fetched before it is built."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from argus import __version__
from argus.core.clock import Clock
from argus.core.objects import NoSuchObject
from argus.identity.service import Identity
from argus.imagery.model import Image, Products
from argus.imagery.service import Imagery
from argus.reports.document import Document, Picture, RuleText
from argus.reports.formats import FORMATS
from argus.reports.model import Report
from argus.scanning.catalogue import Catalogue
from argus.scanning.model import TrackedFinding
from argus.scanning.service import Scanning

PALETTE = "iron"


@dataclass(frozen=True)
class Gatherer:
    """Asks the other capabilities for what a document needs."""

    scanning: Scanning
    imagery: Imagery
    identity: Identity
    catalogue: Catalogue
    clock: Clock

    def document(self, report: Report) -> Document:
        scan, findings = self.scanning.result(report.organisation_id, report.scan_id)
        image = self.imagery.find(report.organisation_id, scan.target.value) if scan.target.kind == "image" else None
        return Document(
            scan=scan,
            findings=gravest_first(findings),
            rules={
                (step.plugin, name): RuleText(rule.title, rule.description, rule.remedy)
                for step in scan.steps
                for name, rule in self.catalogue.get(step.plugin).rules.items()
            },
            generated_at=self.clock(),
            argus_version=__version__,
            organisation_name=self.identity.organisation(report.organisation_id).name,
            picture=self._picture(image, image.products, report) if image and image.products else None,
        )

    def _picture(self, image: Image, products: Products, report: Report) -> Picture | None:
        """None when the image was deleted meanwhile."""
        capture = products.capture
        try:
            shown = FORMATS[report.format].shows_picture
            preview, colour_bar = self.imagery.pictures(image, PALETTE) if shown else (b"", b"")
        except NoSuchObject:
            return None
        return Picture(
            preview_png=preview,
            colour_bar_png=colour_bar,
            width=capture.width,
            height=capture.height,
            name=image.file.name,
            low_celsius=products.bounds.low_c,
            high_celsius=products.bounds.high_c,
            accuracy=capture.accuracy,
            camera=" ".join(part for part in (capture.camera.make, capture.camera.model) if part),
            taken_at=capture.taken_at,
            statistics=asdict(products.statistics),
            parameters=asdict(capture.parameters),
        )


def gravest_first(findings: Iterable[TrackedFinding]) -> list[TrackedFinding]:
    return sorted(findings, key=lambda finding: (-finding.severity.rank, finding.plugin, finding.order))
