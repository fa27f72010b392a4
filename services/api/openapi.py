"""Write docs/openapi.json from the application: `python -m services.api.openapi`."""

import json
import re
from pathlib import Path
from typing import Any

from argus.app import create_app
from argus.container import Container
from argus.core.declarations import API_PREFIX
from argus.core.settings import Settings
from argus.core.text import JOINERS, MISLEADING

_INVISIBLE = re.compile(f"(?!\\n)[{MISLEADING}{JOINERS}]")  # in patterns of names
TARGET = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def document() -> dict[str, Any]:
    """The OpenAPI document; generating it needs neither AWS nor settings."""
    app = create_app(Container(Settings.from_env({})))
    app.testing = True  # raise errors: they must not be written as the document
    response = app.test_client().get(f"{API_PREFIX}/openapi.json")
    return dict(response.get_json())


def text() -> str:
    """The document as JSON, with escapes instead of invisible characters."""
    written = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    return _INVISIBLE.sub(lambda found: json.dumps(found[0])[1:-1], written)


if __name__ == "__main__":
    TARGET.write_text(text())
