"""Documents that know no capability: an invoice, with text of any origin."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from math import inf, nan
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfbase.pdfmetrics import stringWidth

from argus.core import pdf
from argus.core.languages import Language
from tests import documents
from tests.documents import HOSTILE

ISSUED = datetime(2026, 3, 14, 12, 30, 15, 250_000, tzinfo=UTC)
COLUMNS = (
    pdf.Column("No.", width=12 * pdf.MM, kind="key"),
    pdf.Column("Service"),
    pdf.Column("Quantity", width=22 * pdf.MM, kind="number"),
    pdf.Column("Amount\nEUR", width=26 * pdf.MM, kind="number"),
)
LINES = (("Thermal scan", 12, 4800), ("Report", 3, -1250))
LONG_TOTALS = [(f"total{number} {'word ' * 50}", "") for number in range(20)]


def invoice(
    lines: Sequence[tuple[str, int, int]] = LINES, *, customer: str = "Nørrebro Fjernvarme", remark: str = "Thank you."
) -> bytes:
    typesetter = pdf.Typesetter()
    rows = [
        (str(number), service, str(quantity), pdf.number(cents / 100, 2))
        for number, (service, quantity, cents) in enumerate(lines, start=1)
    ]
    net = sum(cents for *_, cents in lines) / 100
    totals = [
        ("", "Value added tax", "25 %", pdf.number(net * 0.25, 2)),
        ("", "Total", "", pdf.number(net * 1.25, 2)),
    ]
    facts = [("Customer", customer), ("Issued", pdf.day(ISSUED)), ("Due", pdf.day(date(2026, 4, 13)))]
    items = [
        pdf.Item(typesetter.paragraph("Invoice 2026-0042", "title")),
        pdf.Item(typesetter.paragraph(customer, "subtitle"), space_before=1),
        pdf.Item(pdf.key_values(typesetter, facts, columns=3), space_before=3 * pdf.MM),
        pdf.heading(typesetter, "Services"),
        pdf.Item(pdf.table(typesetter, COLUMNS, rows, totals=totals), space_before=2 * pdf.MM),
        pdf.Item(pdf.note(typesetter, "Remark.", remark), space_before=4 * pdf.MM),
    ]
    if typesetter.replaced:
        items.append(pdf.Item(typesetter.paragraph("Some characters are replaced.", "small"), space_before=6 * pdf.MM))
    frame = pdf.Frame(brand="ARGUS", left="Argus ApS", right=customer, footer=[f"Issued {pdf.moment(ISSUED)}"])
    return pdf.write(
        typesetter, items, frame, pdf.Metadata("Invoice 2026-0042", "Argus ApS", customer, "Argus", ISSUED)
    )


def test_an_invoice_shows_everything_that_it_was_given() -> None:
    (page,) = documents.pages(invoice())

    for expected in (
        "ARGUS Argus ApS Nørrebro Fjernvarme",
        "Invoice 2026-0042 Nørrebro Fjernvarme",
        "Customer Nørrebro Fjernvarme Issued 14 March 2026 Due 13 April 2026",
        "No. Service Quantity Amount EUR",
        "1 Thermal scan 12 48.00 2 Report 3 \u221212.50",
        "Value added tax 25 % 8.88 Total 44.38",
        "Remark. Thank you.",
        "Issued 14 March 2026, 12:30 UTC Page 1 of 1",
    ):
        assert expected in page


def test_numbers_end_at_the_same_distance_from_the_right_margin() -> None:
    ends: dict[str, float] = {}

    def visit(text: str, _cm: Any, matrix: Sequence[float], _font: Any, size: float) -> None:
        if text.strip() in ("48.00", "\u221212.50", "44.38"):
            bold = text.strip() == "44.38"
            ends[text.strip()] = matrix[4] + stringWidth(text.strip(), pdf.BOLD if bold else pdf.REGULAR, size)

    documents.read(invoice()).pages[0].extract_text(visitor_text=visit)

    assert len(ends) == 3
    assert max(ends.values()) - min(ends.values()) < 0.01


@pytest.mark.parametrize("digits", [1, 12, 40, 400])
def test_a_number_is_never_cut_and_never_wider_than_its_column(digits: int) -> None:
    figure = "9" * digits
    typesetter = pdf.Typesetter()
    columns = (pdf.Column("Name", width=pdf.WIDTH / 3), *(pdf.Column(name, kind="number") for name in "AB"))
    table = pdf.table(typesetter, columns, [("row", figure, figure)], totals=[("total", figure, figure)])
    tiles = pdf.tiles(typesetter, [pdf.Tile(figure, "label", pdf.INK)] * 3)
    boxes: list[tuple[float, float, float]] = []

    def visit(text: str, around: Any, matrix: Sequence[float], font: Any, size: float) -> None:
        if text.strip() == figure:
            name = pdf.BOLD if "Bold" in font["/BaseFont"] else pdf.REGULAR
            left = around[4] + matrix[4]
            boxes.append((around[5] + matrix[5], left, left + stringWidth(figure, name, size)))

    documents.read(written(table, tiles)).pages[0].extract_text(visitor_text=visit)

    assert len(boxes) == 2 + 2 + 3
    for (y, _, right), (other_y, left, _) in pairwise(sorted(boxes)):
        assert abs(y - other_y) > 1 or right < left
    assert min(left for _, left, _ in boxes) > 0
    assert max(right for _, _, right in boxes) < documents.read(written()).pages[0].mediabox.width


def test_a_long_table_continues_on_numbered_pages_below_repeated_headings() -> None:
    all_pages = documents.pages(invoice([(f"Scan {number}", 1, 100) for number in range(150)]))

    assert len(all_pages) > 3
    for number, page in enumerate(all_pages, start=1):
        assert f"Page {number} of {len(all_pages)}" in page
        assert "No. Service Quantity Amount" in page
    assert "150 Scan 149 1 1.00 Value added tax 25 % 37.50 Total 187.50" in all_pages[-1]


@pytest.mark.parametrize("count", range(28, 38))
def test_totals_are_on_the_page_of_the_last_row(count: int) -> None:
    all_pages = documents.pages(invoice([("Thermal scan<br/>", 1, 100)] * count))

    (with_total,) = [page for page in all_pages if "Total" in page]
    assert f"{count} Thermal scan<br/> 1 1.00 Value added tax" in with_total


@pytest.mark.parametrize("tall", [0, 2, 4], ids=["first", "middle", "last"])
@pytest.mark.parametrize("totals", [0, 2])
def test_a_row_that_is_taller_than_a_page_continues_on_the_next(tall: int, totals: int) -> None:
    typesetter = pdf.Typesetter()
    words = " ".join(f"w{number}" for number in range(900))
    rows = [(f"row {number}", words if number == tall else "short") for number in range(5)]
    columns = (pdf.Column("Name", width=20 * pdf.MM, kind="key"), pdf.Column("Words", width=22 * pdf.MM))
    block = pdf.table(
        typesetter,
        columns,
        [(name, typesetter.paragraph(text, limit=9_000)) for name, text in rows],
        totals=[("", f"total {number}") for number in range(totals)],
    )
    all_pages = documents.pages(written(typesetter.paragraph("above"), block, typesetter.paragraph("below")))

    shown = " ".join(" ".join(page.removeprefix("ARGUS").split()) for page in all_pages)
    assert [name for name, _ in rows if name in shown] == [name for name, _ in rows]
    assert [word for word in words.split() if word not in shown.split()] == []
    assert [number for number in range(totals) if f"total {number}" not in shown] == []
    assert all("Name Words" in page for page in all_pages if "w" in page.replace("below", "").replace("Words", ""))
    assert "below" in all_pages[-1]


def test_totals_that_are_taller_than_a_page_continue_on_the_next() -> None:
    columns = (pdf.Column("Words", width=22 * pdf.MM), pdf.Column("Rest"))
    shown = " ".join(
        documents.pages(written(pdf.table(pdf.Typesetter(), columns, LONG_TOTALS[:1], totals=LONG_TOTALS)))
    )

    assert [number for number in range(20) if f"total{number}" not in shown.split()] == []


def test_a_table_that_does_not_fit_with_what_follows_moves_to_the_next_page() -> None:
    typesetter = pdf.Typesetter()
    filler = pdf.Item(pdf.Drawing(pdf.HEIGHT - 60 * pdf.MM, lambda *_: None))
    table = pdf.Item(pdf.table(typesetter, COLUMNS, [("1", "Thermal scan", "2", "3")]), with_next=50 * pdf.MM)
    items = [filler, table, pdf.Item(typesetter.paragraph("below"))]
    first, second = documents.pages(pdf.write(typesetter, items, FRAME, NO_METADATA))

    assert "Service" not in first
    assert "No. Service Quantity Amount EUR 1 Thermal scan 2 3 below" in second


def test_totals_that_leave_no_room_for_a_heading_above_them_continue_on_the_next_page() -> None:
    typesetter = pdf.Typesetter()
    totals = [(f"total{number}",) for number in range(40)]
    table = pdf.Item(pdf.table(typesetter, [pdf.Column("Service")], [("scan",)], totals=totals), space_before=5)
    items = [pdf.heading(typesetter, "Services"), table]
    first, second = documents.pages(pdf.write(typesetter, items, FRAME, NO_METADATA))

    assert "Services Service scan total0" in first
    assert "Service total39" in second


def test_a_heading_row_that_is_taller_than_a_page_is_rejected() -> None:
    columns = (pdf.Column("line\n" * 100),)

    with pytest.raises(ValueError, match="cannot be split; a page has"):
        written(pdf.table(pdf.Typesetter(), columns, [("row",)]))


def test_text_outside_a_page_is_an_error() -> None:
    def draw(canvas: Any, x: float, y: float) -> None:
        canvas.drawString(x, y - 2 * pdf.HEIGHT, "below the page")

    with pytest.raises(AssertionError, match="below the page"):
        documents.pages(written(pdf.Drawing(10, draw)))


def test_a_table_without_rows_has_headings_and_totals() -> None:
    (page,) = documents.pages(invoice([]))

    assert "No. Service Quantity Amount EUR Value added tax 25 % 0.00 Total 0.00" in page


def test_a_table_without_rows_and_totals_has_headings() -> None:
    (page,) = documents.pages(written(pdf.table(pdf.Typesetter(), COLUMNS, [])))

    assert "No. Service Quantity Amount EUR" in page


def test_columns_that_leave_no_width_are_rejected() -> None:
    wide = pdf.Column("Very\nwide", width=pdf.WIDTH - 10)

    with pytest.raises(ValueError, match="need 540 points, a page has 493: 'Very wide' 483, 'Rest' at least 57"):
        pdf.table(pdf.Typesetter(), [wide, pdf.Column("Rest")], [])
    with pytest.raises(ValueError, match="columns need 966 points"):
        pdf.table(pdf.Typesetter(), [wide, wide], [])


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(("content", "shown"), HOSTILE.items(), ids=lambda text: ascii(text[:12]))
def test_hostile_text_is_shown_as_text(content: str, shown: str) -> None:
    (page,) = documents.pages(invoice([(content, 1, 100)], customer=content, remark=content))

    assert documents.squeezed([page]).count(shown) >= 4  # the subtitle, the facts, the table and the note
    assert "Page 1 of 1" in page
    assert "Total 1.25" in page


def test_a_footer_can_have_three_lines() -> None:
    lines = ["Argus ApS, Bygade 1, 2200 København", "CVR 12345678", "IBAN DK50 0040 0440 1162 43"]
    body = pdf.write(pdf.Typesetter(), [], replace(FRAME, footer=lines), NO_METADATA)

    assert documents.pages(body) == [f"ARGUS {' '.join(lines)} Page 1 of 1"]
    for footer in ([*lines, "surplus"], "a text"):
        with pytest.raises(ValueError, match="a footer is a sequence of at most 3 lines"):
            replace(FRAME, footer=footer)


def test_text_has_no_limit_on_request() -> None:
    typesetter = pdf.Typesetter()
    words = " ".join(f"w{number}" for number in range(2_000))
    blocks = (
        typesetter.paragraph(words, limit=None),
        pdf.key_values(typesetter, [("Terms", words)], columns=1, limit=None),
        pdf.note(typesetter, "Terms.", words, limit=None),
        pdf.table(typesetter, [pdf.Column("Terms")], [(words,)], totals=[(words,)], limit=None),
    )
    for block in blocks:
        shown = {word for page in documents.pages(written(block)) for word in page.split()}
        assert shown >= set(words.split())


def test_markup_is_escaped() -> None:
    (page,) = documents.pages(invoice(customer="<b>bold</b> & <i>", remark="</para>"))

    assert "Customer <b>bold</b> & <i>" in page
    assert "Remark. </para>" in page


def test_text_is_truncated_to_a_line() -> None:
    typesetter = pdf.Typesetter()

    assert typesetter.line("x" * 20, limit=10) == "x" * 9 + "…"
    assert typesetter.line("x" * 10, limit=10) == "x" * 10
    assert typesetter.line(" a\n\tb\x00c ", limit=10) == "a b c"
    assert typesetter.markup("<&>", limit=3) == "&lt;&amp;&gt;"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" + " " * 40 + "bc", "a bc"),
        ("a" + " " * 40 + "b" * 20, "a bbbbbbb…"),
        ("e\u0301" * 10, "é" * 10),
        ("e\u0301" * 11, "é" * 9 + "…"),
        ("a\u200b" * 10, "a" * 10),
        ("a\u3164\ufe0f\U000e0041\ufffe\u034f" * 10, "a" * 10),
        ("a\u2800\u3000b", "a b"),
        ("ab cdefgh ijk", "ab cdefgh…"),
        (" " * 10_000 + "b", "…"),
        ("a" + " " * 10_000, "a"),
        ("\ufb03" * 5, "ffiffiffi…"),
    ],
    ids=range(11),
)
def test_text_that_is_cut_ends_with_an_ellipsis_and_other_text_does_not(text: str, shown: str) -> None:
    assert pdf.Typesetter().line(text, limit=10) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nørrebro  Fjernvarme\r\n\tBygade 1 \n\n2200 København\n", "Nørrebro Fjernvarme\nBygade 1\n\n2200 Kø…"),
        ("<b>\x85&\u2028", "<b>\n&"),
        ("\n \n", ""),
    ],
    ids=["address", "markup", "empty"],
)
def test_line_breaks_are_kept_on_request(text: str, shown: str) -> None:
    typesetter = pdf.Typesetter()

    assert typesetter.paragraph(text, limit=38, lines=True).text == shown
    assert "\n" not in typesetter.paragraph(text).text
    assert not typesetter.replaced


def test_the_lines_of_an_address_are_below_each_other() -> None:
    body = written(pdf.Typesetter().paragraph("Bygade 1\n2200 København", lines=True))

    assert "Bygade 1\n2200 København" in documents.read(body).pages[0].extract_text()


def test_a_line_does_not_break_at_a_non_breaking_space() -> None:
    typesetter = pdf.Typesetter()

    assert typesetter.line("1\u202f234\u00a0€  \u2009 net") == "1\u00a0234\u00a0€ net"
    assert not typesetter.replaced
    amounts = " ".join([pdf.number(1_234_567, 2, language="fr", is_grouped=True)] * 60)
    shown = documents.read(written(typesetter.paragraph(amounts, limit=None))).pages[0].extract_text()
    lines = [line for line in shown.splitlines() if "567,00" in line]
    assert len(lines) > 5
    assert all(line.startswith("1 234 567,00") for line in lines)


def test_replaced_characters_that_are_cut_off_are_not_recorded() -> None:
    typesetter = pdf.Typesetter()

    assert typesetter.line("x" * 20 + "管", limit=10) == "x" * 9 + "…"
    assert not typesetter.replaced


def test_missing_glyphs_are_replaced_and_recorded() -> None:
    kept, replaced = pdf.Typesetter(), pdf.Typesetter()

    assert kept.line("Über 60 °C, ∆T ≤ 5, 3 €") == "Über 60 °C, ∆T ≤ 5, 3 €"
    assert replaced.line("Őrláng 管\ud800") == "Orláng ??"
    assert (kept.replaced, replaced.replaced) == (False, True)
    assert replaced.line("a \ufdfa b") == "a ? b"  # four words, of whose characters only the spaces are in the typeface
    (page,) = documents.pages(invoice(customer="Őrláng 管"))
    assert "Customer Orláng ?" in page
    assert "Some characters are replaced." in page


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(codec=None), max_size=400))
def test_no_text_breaks_a_document(content: str) -> None:
    body = invoice([(content, 1, 100)], customer=content, remark=content)

    assert len(documents.read(body).pages) == 1


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("value", "decimals", "unit", "text"),
    [
        (12.345, 2, "", "12.35"),
        (-3.54, 1, "°C", "\u22123.5 °C"),
        (-0.001, 1, "", "0.0"),
        (7, 0, "m", "7 m"),
        (True, 0, "", "—"),
        (None, 0, "m", "—"),
        ("7", 0, "", "—"),
        (nan, 1, "", "—"),
        (inf, 1, "", "—"),
        (10**12, 0, "", "1000000000000"),
        (10**400, 1, "", f"1{'0' * 400}.0"),
        (2**53 + 1, 2, "", "9007199254740993.00"),
        (1e15, 0, "", "1000000000000000"),
        (
            Decimal("-1234567890123456789012345678901234567890.15"),
            2,
            "",
            "\u22121234567890123456789012345678901234567890.15",
        ),
        (Decimal("-0.001"), 2, "EUR", "0.00 EUR"),
        (Decimal("NaN"), 2, "", "—"),
        (Decimal("-Infinity"), 2, "", "—"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_number_has_a_true_minus_sign_and_its_unit(value: object, decimals: int, unit: str, text: str) -> None:
    assert pdf.number(value, decimals, unit) == text


@pytest.mark.parametrize(
    ("language", "grouped", "ungrouped"),
    [
        ("en", ["0.50", "\u22121,234.50", "12,345.00", "1,234,567.89"], "12345.6 °C"),
        ("fr", ["0,50", "\u22121\u202f234,50", "12\u202f345,00", "1\u202f234\u202f567,89"], "12345,6 °C"),
        ("es", ["0,50", "\u22121234,50", "12.345,00", "1.234.567,89"], "12345,6 °C"),
    ],
)
def test_numbers_have_the_separators_of_the_language(language: Language, grouped: list[str], ungrouped: str) -> None:
    amounts = [Decimal("0.5"), Decimal("-1234.5"), 12_345, 1_234_567.89]

    assert [pdf.number(amount, 2, language=language, is_grouped=True) for amount in amounts] == grouped
    assert pdf.number(12_345.6, 1, "°C", language=language) == ungrouped


@pytest.mark.parametrize(
    ("language", "first", "last"),
    [
        ("en", "1 February 2026", "31 August 2026, 03:30 UTC"),
        ("fr", "1er février 2026", "31 août 2026, 03:30 UTC"),
        ("es", "1 de febrero de 2026", "31 de agosto de 2026, 03:30 UTC"),
    ],
)
def test_dates_are_in_the_language(language: Language, first: str, last: str) -> None:
    assert pdf.day(date(2026, 2, 1), language=language) == first
    assert pdf.moment(datetime(2026, 8, 31, 3, 30, tzinfo=UTC), language=language) == last


@pytest.mark.parametrize(
    ("language", "tag", "footer"),
    [("en", "en-GB", "Page 1 of 1"), ("fr", "fr-FR", "Page 1 sur 1"), ("es", "es-ES", "Página 1 de 1")],
)
def test_a_document_has_a_language(language: Language, tag: str, footer: str) -> None:
    body = pdf.write(pdf.Typesetter(), [], FRAME, replace(NO_METADATA, language=language))

    assert documents.read(body).trailer["/Root"]["/Lang"] == tag
    assert documents.pages(body) == [f"ARGUS {footer}"]


def test_times_are_in_utc() -> None:
    west = datetime(2026, 3, 14, 22, 30, tzinfo=timezone(-timedelta(hours=5)))

    assert pdf.moment(west) == "15 March 2026, 03:30 UTC"
    assert pdf.day(date(2026, 12, 1)) == "1 December 2026"
    assert (pdf.moment(None), pdf.day(None)) == ("—", "—")


# ---------------------------------------------------------------- the file


FRAME = pdf.Frame(brand="ARGUS", left="", right="", footer=[])
NO_METADATA = pdf.Metadata("", "", "", "", ISSUED)


def written(*blocks: pdf.Block) -> bytes:
    return pdf.write(pdf.Typesetter(), [pdf.Item(block) for block in blocks], FRAME, NO_METADATA)


def test_equal_documents_have_equal_bytes_after_another() -> None:
    one = invoice()
    invoice(customer="Ωπ≤ another")

    assert invoice() == one


def test_the_file_has_metadata_and_an_outline() -> None:
    body = invoice()

    metadata = documents.read(body).metadata
    assert metadata is not None
    assert (metadata.title, metadata.author, metadata.subject, metadata.creator) == (
        "Invoice 2026-0042",
        "Argus ApS",
        "Nørrebro Fjernvarme",
        "Argus",
    )
    assert metadata.creation_date == ISSUED.replace(microsecond=0)
    assert documents.outline(body) == ["Services"]


def test_metadata_can_have_characters_that_the_typeface_has_not() -> None:
    body = pdf.write(pdf.Typesetter(), [], FRAME, replace(NO_METADATA, title="Őrláng 管", author="a\ud800b"))

    metadata = documents.read(body).metadata
    assert metadata is not None
    assert (metadata.title, metadata.author) == ("Őrláng 管", "a\ufffdb")


@pytest.mark.parametrize("change", [{"brand": "管"}, {"left": "管"}, {"right": "管"}, {"footer": ["管"]}], ids=str)
def test_characters_that_are_replaced_in_the_frame_are_recorded_before_the_last_item(change: dict[str, Any]) -> None:
    typesetter = pdf.Typesetter()

    def items() -> Iterator[pdf.Item]:
        if typesetter.replaced:
            yield pdf.Item(typesetter.paragraph("Some characters are replaced."))

    body = pdf.write(typesetter, items(), replace(FRAME, **change), NO_METADATA)

    assert "Some characters are replaced." in documents.pages(body)[0]


def test_equal_headings_have_their_own_places_in_the_outline() -> None:
    typesetter = pdf.Typesetter()
    filler = pdf.Item(pdf.Drawing(pdf.HEIGHT / 3, lambda *_: None))
    items = [item for _ in range(4) for item in (pdf.heading(typesetter, "Site"), filler)]
    reader = documents.read(pdf.write(typesetter, items, FRAME, NO_METADATA))

    places = [(reader.get_destination_page_number(entry), float(entry["/Top"])) for entry in reader.outline]
    assert [page for page, _ in places] == [0, 0, 1, 1]
    assert places[0][1] > places[1][1]
    assert places[2][1] > places[3][1]


def test_streams_are_binary() -> None:
    assert b"ASCII85Decode" not in invoice()


def test_the_typeface_is_embedded() -> None:
    page = documents.read(invoice()).pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]

    embedded = {str(font["/BaseFont"]).split("+")[-1] for font in fonts if "/FontDescriptor" in font}
    assert embedded == {"BitstreamVeraSans-Roman", "BitstreamVeraSans-Bold"}


def test_a_block_that_is_taller_than_a_page_is_cut_off_and_the_next_one_follows() -> None:
    def draw(canvas: Any, x: float, y: float) -> None:
        canvas.drawString(x, y + 2 * pdf.HEIGHT - 20, "tall")

    typesetter = pdf.Typesetter()
    shown = documents.pages(written(pdf.Drawing(2 * pdf.HEIGHT, draw), typesetter.paragraph("next")))

    assert ["tall" in page for page in shown] == [True, False]
    assert "next" in shown[1]


def test_a_heading_is_on_the_page_of_what_follows() -> None:
    typesetter = pdf.Typesetter()
    filler = pdf.Drawing(pdf.HEIGHT - 30 * pdf.MM, lambda *_: None)
    frame = pdf.Frame(brand="A longer brand", left="left", right="", footer=[])
    items = [pdf.Item(filler), pdf.heading(typesetter, "Next"), pdf.Item(typesetter.paragraph("text"))]
    first, second = documents.pages(pdf.write(typesetter, items, frame, pdf.Metadata("", "", "", "", ISSUED)))

    assert "Next" not in first
    assert "Next text" in second
    assert "A longer brand left" in second


@pytest.mark.parametrize("room", range(20, 60, 3))
@pytest.mark.parametrize("words", [1, 100, 600], ids=["a line", "a part of a page", "more than a page"])
def test_a_heading_is_on_the_page_of_the_first_row_of_a_table(room: int, words: int) -> None:
    typesetter = pdf.Typesetter()
    filler = pdf.Drawing(pdf.HEIGHT - room * pdf.MM, lambda *_: None)
    rows = [(typesetter.paragraph(f"row{number} {'word ' * words}", limit=20_000), "") for number in range(2)]
    columns = (pdf.Column("Words", width=50 * pdf.MM), pdf.Column("Rest"))
    table = pdf.Item(pdf.table(typesetter, columns, rows), space_before=2 * pdf.MM)
    items = [pdf.Item(filler), pdf.heading(typesetter, "Services"), table]
    all_pages = documents.pages(pdf.write(typesetter, items, FRAME, NO_METADATA))

    assert ["row0" in page for page in all_pages] == ["Services" in page for page in all_pages]
