"""Tools without a permission in the manifest are refused."""

import logging
from datetime import UTC, datetime

import pytest

from argus.core.errors import Forbidden
from argus.imagery.reader import images
from argus.scanning.plugin import Tools
from argus.scanning.positions import PositionMatcher


def test_a_tool_without_its_permission_in_the_manifest_is_refused() -> None:
    bare = Tools(
        now=lambda: datetime.now(UTC),
        log=logging.getLogger("argus.plugin.test"),
        progress=lambda share: None,
        positions=lambda rule: PositionMatcher(),
        mark_not_tested=lambda rule: None,
    )
    with pytest.raises(Forbidden, match="permission imagery"):
        images(bare)
