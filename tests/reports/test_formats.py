"""What holds for reports in every format."""

import pytest

from argus.reports.formats import FORMATS, Format
from tests.documents import HOSTILE
from tests.reports.report_data import everywhere

EACH = pytest.mark.parametrize("file_format", FORMATS.values(), ids=FORMATS)


@EACH
@pytest.mark.parametrize("content", HOSTILE, ids=lambda content: ascii(content[:12]))
def test_a_report_can_have_any_text_everywhere(file_format: Format, content: str) -> None:
    body = file_format.build(everywhere(content))

    assert body
    if file_format.name != "pdf":
        body.decode()
