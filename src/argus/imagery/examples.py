"""Examples of imagery's requests and responses, for the OpenAPI document."""

from typing import Any

from argus.identity.examples import ORGANISATION_ID, USER_ID

IMAGE_ID = "img_01k0n2xw9g8v5r3t7y1z4b6c2d"

_BUCKET = "https://argus-production-media-123456789012.s3.eu-west-1.amazonaws.com"
_SURVEY = {"site": "North", "sector": "Main steam line", "period": "2026-05", "pad": "P01"}
_PALETTES = ("iron", "medical")  # two of the palettes, to keep the example short

UPLOADS_IN = {
    "site": "North",
    "sector": "Main steam line",
    "period": "2026-05",
    "files": [{"name": "NORTH_P01_0001_T.JPG", "size": 184_320, "content_type": "image/jpeg", "pad": "P01"}],
}

UPLOADS_OUT = {
    "items": [
        {
            "image_id": IMAGE_ID,
            "upload": {
                "url": f"{_BUCKET}/",
                "method": "POST",
                "fields": {
                    "Content-Type": "image/jpeg",
                    "key": f"{ORGANISATION_ID}/images/{IMAGE_ID}/original",
                    "x-amz-algorithm": "AWS4-HMAC-SHA256",
                    "x-amz-credential": "AKIAEXAMPLE/20260514/eu-west-1/s3/aws4_request",
                    "x-amz-date": "20260514T063000Z",
                    "policy": "eyJleHBpcmF0aW9uIjogIjIwMjYtMDUtMTRUMDc6MzA6MDBaIn0=",
                    "x-amz-signature": "0da3f694621609fd",
                },
            },
            "expires_at": "2026-05-14T07:30:00.000Z",
        }
    ]
}


def _link(name: str) -> dict[str, str]:
    signature = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=29c915f71ac790ec"
    url = f"{_BUCKET}/{ORGANISATION_ID}/images/{IMAGE_ID}/{name}?{signature}"
    return {"url": url, "expires_at": "2026-05-14T07:31:00.000Z"}


IMAGE_SUMMARY: dict[str, Any] = {
    "id": IMAGE_ID,
    "name": "NORTH_P01_0001_T.JPG",
    "size_bytes": 184_320,
    "state": "ready",
    "code": None,
    "reason": None,
    "survey": _SURVEY,
    "accuracy": "exact",
    "stats": {"min_c": 10.03, "max_c": 75.03, "mean_c": 12.23, "p5_c": 11.04, "p95_c": 14.07},
    "created_at": "2026-05-14T06:30:00.000Z",
}

IMAGE = {
    **IMAGE_SUMMARY,
    "format": "flir_rjpeg",
    "width": 640,
    "height": 512,
    "camera": {"make": "FLIR Systems AB", "model": "FLIR T640", "serial": "55900001", "lens": "FOL25"},
    "parameters": {
        "emissivity": 0.95,
        "distance_metres": 30.0,
        "reflected_celsius": 5.0,
        "atmospheric_celsius": 10.0,
        "relative_humidity": 0.6,
        "window_celsius": 20.0,
        "window_transmission": 1.0,
    },
    "position": {"latitude": 64.037, "longitude": -21.401, "altitude_metres": 380.0},
    "taken_at": "2026-05-14T06:20:00.000Z",
    "histogram": {"counts": [327_600, 60, 12, 8], "edges_celsius": [10.03, 26.28, 42.53, 58.78, 75.03]},
    "palette_range": {"low_celsius": 10.18, "high_celsius": 56.3},
    "links": {
        "cog": _link("products/temperature.tif"),
        "previews": {palette: _link(f"products/preview/{palette}.png") for palette in _PALETTES},
        "colour_bars": {palette: _link(f"products/colour_bar/{palette}.png") for palette in _PALETTES},
        "original": _link("original"),
    },
    "uploaded_by": USER_ID,
    "version": 3,
}

IMAGE_PAGE = {"items": [IMAGE_SUMMARY], "next_cursor": None}

TEMPERATURE = {"celsius": 75.03}
