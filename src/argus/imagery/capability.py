"""Thermal images: uploads, temperatures, products."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from argus.core.declarations import Capability, JobHandler, Scope, Table, TargetKind, Tool
from argus.core.runtime import Runtime
from argus.core.settings import setting
from argus.identity.model import EDITORS, EVERYONE

if TYPE_CHECKING:
    from argus.imagery.pictures import Pictures
    from argus.imagery.reader import OrganisationImages
    from argus.imagery.service import Imagery


def _command(line: str) -> str:
    """A command line, checked. Raises ValueError."""
    from argus.imagery.external import ExternalDecoder

    ExternalDecoder.of(line)
    return line


@dataclass(frozen=True)
class ImagerySettings:
    """The conversion of images."""

    dji_decoder: str = setting(
        "ARGUS_DJI_DECODER",
        "",
        "command that converts a DJI radiometric JPEG, `{input}`, to a TIFF of float32 °C, `{output}`, instead of "
        "Argus; it begins with an absolute path and runs without a shell and without environment variables",
        _command,
    )


def _imagery(argus: Runtime) -> "Imagery":
    from argus.core.background import Background
    from argus.imagery.external import ExternalDecoder
    from argus.imagery.model import Image
    from argus.imagery.service import Imagery
    from argus.imagery.store import ImageryStore
    from argus.notify.model import Change

    store = ImageryStore(argus.table("imagery"))
    return Imagery(
        store=store,
        objects=argus.objects,
        links=argus.links,
        jobs=argus.jobs,
        background=Background(
            store=store,
            jobs=argus.jobs,
            job="image.arrived",
            arguments=lambda image: {
                "key": image.original_key,
                "object_version": image.object_version,
                "size_bytes": image.file.size_bytes,
            },
            to_failed=Image.given_up,
            event_of=lambda image: Change("image", image.id, image.state),
            publish_event=argus.notify.announce,
            clock=argus.clock,
            lease=argus.lease,
        ),
        clock=argus.clock,
        ids=argus.ids,
        upload_life=timedelta(seconds=argus.settings.upload_seconds),
        dji_decoder=ExternalDecoder.of(argus.settings.of(ImagerySettings).dji_decoder),
    )


def _pictures(argus: Runtime) -> "Pictures":
    from argus.imagery.pictures import Pictures

    return Pictures(argus.imagery, lambda: argus.sealer, argus.clock)


def _reader(argus: Runtime) -> "Callable[[str], OrganisationImages]":
    from argus.imagery.reader import OrganisationImages

    return partial(OrganisationImages, argus.imagery)


CAPABILITY = Capability(
    name="imagery",
    about="Thermal images",
    tables=(
        Table(
            name="imagery",
            partition_key="`<organisation>#images`",
            sort_key="`<image>`",
            index="unfinished images by the time of their next check; and `state`: the images in one state, by id",
        ),
    ),
    scopes=(
        Scope("images:read", "See images, their temperatures and products", EVERYONE),
        Scope("images:write", "Upload and delete images", EDITORS),
    ),
    settings=ImagerySettings,
    services={"imagery": _imagery, "pictures": _pictures},
    blueprints=("argus.imagery.routes:blueprint",),
    jobs={
        "image.arrived": JobHandler("imagery.arrived", "imagery.give_up"),
        "image.check": JobHandler("imagery.check_upload", "imagery.give_up_check"),
    },
    objects={"images": "image.arrived"},
    ticks={"images.sweep": "imagery.sweep"},
    targets={
        "image": TargetKind(
            about="A thermal image",
            given_by="id",
            canonical="argus.imagery.service:canonical_id",
            authorise="imagery.ready",
            label="imagery.file_name",
            link="/api/v1/images/{value}",
            report_section="imagery.report_section",
            report_columns="argus.imagery.report.section:COLUMNS",
        )
    },
    tools={"imagery": Tool("Reads the pixels of the organisation's images", _reader)},
    events={"image": "images:read"},
)
