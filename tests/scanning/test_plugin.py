"""The contract's own behaviour: tools that the manifest does not ask for are refused."""

import logging
from datetime import UTC, datetime

import pytest

from argus.core.errors import Forbidden
from argus.imagery.reader import images
from argus.scanning.plugin import Tools
from argus.scanning.positions import PositionMatcher


def test_a_tool_that_the_manifest_does_not_ask_for_is_refused() -> None:
    bare = Tools(
        now=lambda: datetime.now(UTC),
        log=logging.getLogger("argus.plugin.test"),
        progress=lambda share: None,
        positions=lambda rule: PositionMatcher(),
        mark_not_tested=lambda rule: None,
    )
    with pytest.raises(Forbidden, match="permission imagery"):
        images(bare)
