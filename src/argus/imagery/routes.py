"""The HTTP routes of imagery."""

from typing import Any

from flask import Response

from argus.core.http import (
    Blueprint,
    Problem,
    absolute_url,
    check_if_match,
    current_caller,
    etagged,
    idempotent,
    needs,
    paged,
    public,
)
from argus.core.openapi import id_pattern, link, path_id
from argus.core.presign import Link
from argus.core.runtime import Runtime
from argus.imagery.model import COG, Image, ImageState, LinearScale, NewFile, PictureKind, Survey, picture_name
from argus.imagery.pictures import Pictures, palette_colours
from argus.imagery.schemas import (
    ImageOut,
    ImagePage,
    ImageQuery,
    PaletteList,
    PictureQuery,
    PixelQuery,
    TemperatureOut,
    UploadsIn,
    UploadsOut,
)
from argus.imagery.service import Imagery

_IMAGE_ID = [path_id("image_id", "The id of an image", pattern=id_pattern("img"))]
_UPLOADED = {"image_id": "$response.body#/items/0/image_id"}
_LISTED = {"image_id": "$response.body#/items/0/id"}
_SCAN = {"target": {"kind": "image", "id": "$response.body#/items/0/id"}, "plugins": [{"id": "thermal_hotspots"}]}
_PICTURE: dict[int | str, Any] = {
    302: {
        "headers": {
            "Location": {
                "description": "A presigned URL of the picture, a PNG",
                "required": True,
                "schema": {"type": "string", "format": "uri"},
            },
            "Cache-Control": {
                "description": "`max-age`: the seconds for which the presigned URL works",
                "required": True,
                "schema": {"type": "string"},
                "example": "private, max-age=3540",
            },
        }
    }
}
_IMAGES = """\
Thermal images. `POST /api/v1/uploads` responds with a form for each file. Send each form with its file to S3, then poll
`GET /api/v1/images/{image_id}` until `state` is `ready` or `rejected`."""
_LEVELS = ("site", "sector", "period", "pad")


def blueprint(argus: Runtime) -> Blueprint:
    imagery: Imagery = argus.imagery
    pictures: Pictures = argus.pictures
    blp = Blueprint("images", __name__, chapter=20, description=_IMAGES)

    @blp.route("/uploads", methods=["POST"])
    @needs("images:write")
    @idempotent
    @blp.arguments(UploadsIn)
    @blp.doc(
        responses={
            201: {"links": {name: link(name, parameters=_UPLOADED) for name in ("get_image", "delete_image")}},
        }
    )
    @blp.response(201, UploadsOut)
    def request_uploads(batch: dict[str, Any]) -> dict[str, Any]:
        """Request uploads

        The response contains a form for each file, which S3 accepts until `expires_at`. Send it as
        `multipart/form-data`, without the credentials of Argus: first all `fields`, then the file as `file`.

        ```sh
        curl <upload.url> \\
          --form-string 'key=<fields.key>' --form-string '<name>=<value>' … -F 'file=@NORTH_P01_0001_T.JPG'
        ```

        S3 responds with 204. It refuses a file of another size with 400, and changed fields or an expired form with
        403, in XML; the embedded S3 of `make run` accepts another size, and the image is `rejected` with `wrong_size`.
        Then poll the image until `state` is `ready` or `rejected`.
        """
        files = [_new_file(file, batch) for file in batch["files"]]
        uploads = imagery.request_uploads(current_caller(), files)
        return {
            "items": [
                {"image_id": image.id, "upload": upload, "expires_at": upload.expires_at} for image, upload in uploads
            ]
        }

    @blp.route("/images")
    @needs("images:read")
    @blp.arguments(ImageQuery, location="query")
    @blp.doc(
        responses={
            200: {
                "links": {
                    **{name: link(name, parameters=_LISTED) for name in ("get_image", "get_temperature")},
                    "request_scan": link("request_scan", body=_SCAN),
                }
            }
        }
    )
    @blp.response(200, ImagePage)
    def list_images(query: dict[str, Any]) -> Any:
        """List images

        Newest first. `state` selects those in one or several states.
        """
        caller = current_caller()
        states = query["state"] and [ImageState(state) for state in query["state"]]
        body, headers = paged(lambda limit, after: imagery.list(caller, states=states, limit=limit, after=after), query)
        return {**body, "items": [_summary(image) for image in body["items"]]}, headers

    @blp.route("/images/<image_id>", parameters=_IMAGE_ID)
    @needs("images:read")
    @etagged
    @blp.response(200, ImageOut)
    def get_image(image_id: str) -> dict[str, Any]:
        """Get an image

        Poll it after the upload until `state` is `ready`, with temperatures and links, or `rejected`, with a reason.
        Links work without credentials until their `expires_at`: get the image again for new ones.
        """
        return _whole(pictures, imagery.get(current_caller(), image_id))

    @blp.route("/images/<image_id>/temperature", parameters=_IMAGE_ID)
    @needs("images:read")
    @blp.arguments(PixelQuery, location="query")
    @blp.response(200, TemperatureOut)
    @blp.alt_response(409, "CONFLICT")
    def get_temperature(pixel: dict[str, int], image_id: str) -> dict[str, Any]:
        """Get the temperature of a pixel

        409 `image_not_ready` until the image is `ready`, and 422 `outside_image` for a pixel that it does not have.
        """
        celsius, state = imagery.temperature(current_caller(), image_id, **pixel)
        return {"celsius": celsius, "state": state}

    @blp.route("/palettes")
    @needs("images:read")
    @blp.response(200, PaletteList)
    def list_palettes() -> dict[str, Any]:
        """List palettes

        For clients that recolour pictures themselves. The list has one page.

        Fetch the stored preview, and replace the content of its PLTE chunk with `preview_colours`. Its chunk `cbAR`
        contains the colour bar, a PNG of its own, whose colours are `colorbar_colours`.
        """
        return {"items": palette_colours(), "next_cursor": None}

    @blp.route("/pictures")
    @public
    @blp.arguments(PictureQuery, location="query")
    @blp.doc(responses=_PICTURE)
    @blp.response(302, description="The picture is stored; `Location` leads to it")
    @blp.alt_response(
        403,
        schema=Problem,
        content_type="application/problem+json",
        description="The link has expired, is incomplete, or was changed",
    )
    @blp.alt_response(404, "NOT_FOUND")
    @blp.alt_response(503, "SERVICE_UNAVAILABLE")
    def get_picture(query: dict[str, str]) -> Response:
        """Get a picture

        A preview or a colour bar in any palette. Links of an image lead here: the token is the permission.

        An `<img>` shows the picture; a script cannot fetch it from another origin. Send no credentials. The request
        counts for the client's address. On 403 `picture_link_expired`, get the image again for a new link; on
        `invalid_picture_link`, the URL was cut or changed.
        """
        found = pictures.link(query["token"])
        seconds = int((found.expires_at - argus.clock()).total_seconds())
        return Response(
            status=302, headers={"Location": found.url, "Cache-Control": f"private, max-age={max(0, seconds)}"}
        )

    @blp.route("/images/<image_id>", parameters=_IMAGE_ID, methods=["DELETE"])
    @needs("images:write")
    @blp.response(204)
    @blp.alt_response(412, "PRECONDITION_FAILED")
    def delete_image(image_id: str) -> None:
        """Delete an image

        With its original and its products. Its findings and the reports of its scans remain.
        """
        imagery.delete(current_caller(), image_id, check=check_if_match)

    return blp


def _new_file(file: dict[str, Any], batch: dict[str, Any]) -> NewFile:
    return NewFile(
        name=file["name"],
        size_bytes=file["size_bytes"],
        content_type=file["content_type"],
        survey=Survey(**{level: file[level] or batch[level] for level in _LEVELS}),
        scale=LinearScale(**file["scale"]) if file["scale"] else None,
        laser_distance=file["laser_distance"] or batch["laser_distance"],
    )


def _summary(image: Image) -> dict[str, Any]:
    products = image.products
    return {
        "id": image.id,
        "name": image.file.name,
        "size_bytes": image.file.size_bytes,
        "state": image.state,
        "code": image.code or None,
        "reason": image.reason,
        "survey": image.file.survey,
        "accuracy": products.capture.accuracy if products else None,
        "stats": products.statistics if products else None,
        "pixels": products.pixels if products else None,
        "created_at": image.created_at,
    }


def _whole(pictures: Pictures, image: Image) -> dict[str, Any]:
    capture = image.products.capture if image.products else None
    return {
        **_summary(image),
        **{name: getattr(capture, name, None) for name in _FACTS},
        "notes": [{"code": each.code, "message": each} for each in capture.notes] if capture else [],
        "histogram": image.products.histogram if image.products else None,
        "palette_range": image.products.bounds if image.products else None,
        "links": _links(pictures, image),
        "uploaded_by": image.uploaded_by,
        "version": image.version,
    }


_FACTS = (
    "format",
    "width",
    "height",
    "camera",
    "parameters",
    "position",
    "taken_at",
    "taken_at_local",
    "flight",
    "limits",
    "set_range",
    "georeference",
)


def _links(pictures: Pictures, image: Image) -> dict[str, Any] | None:
    if image.products is None:
        return None
    palettes = image.products.palettes
    return {
        "cog": pictures.imagery.link(image, COG),
        "previews": {name: _picture_link(pictures, image, PictureKind.PREVIEW, name) for name in palettes},
        "colorbar": {name: _picture_link(pictures, image, PictureKind.COLOUR_BAR, name) for name in palettes},
        "original": pictures.imagery.original_link(image),
    }


def _picture_link(pictures: Pictures, image: Image, kind: PictureKind, palette: str) -> Link:
    """A link to a picture itself if the worker stored it, else to `get_picture`."""
    name = picture_name(kind, palette)
    if image.products and name == image.products.stored_preview:
        return pictures.imagery.link(image, name)
    token, expires_at = pictures.token(image, kind, palette)
    return Link(absolute_url("images.get_picture", token=token), expires_at)
