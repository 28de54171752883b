"""Printed pages: the type, the tables and the sheet that every PDF of ours has."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    LongTable,
    PageTemplate,
    Paragraph,
    TableStyle,
)

from dashboard.report_fonts import Printer, faces

INK, SOFT, LINE, WELL = HexColor("#1d2528"), HexColor("#5c676b"), HexColor("#d8dedf"), HexColor("#eff3f3")
MARGIN = 16 * mm
WIDTH = A4[0] - 2 * MARGIN


class PrintedPage:
    """All text goes through the printer, so that no character is lost in silence."""

    def __init__(self) -> None:
        self.printer = Printer()
        face = faces()[0]
        self.plain = ParagraphStyle("plain", fontName=face.name, fontSize=8, leading=10.5, textColor=INK)
        # A number that is broken over two lines reads as two.
        self.right = ParagraphStyle("right", parent=self.plain, alignment=TA_RIGHT, splitLongWords=False)
        self.soft = ParagraphStyle("soft", parent=self.plain, textColor=SOFT)
        self.head = ParagraphStyle(
            "head", parent=self.plain, fontSize=11, leading=15, spaceBefore=10, spaceAfter=4
        )
        self.title = ParagraphStyle("title", parent=self.plain, fontSize=18, leading=23)

    def text(self, words: object, style: ParagraphStyle | None = None, *, bold: bool = False) -> Paragraph:
        return Paragraph(self.printer.mark(words, bold=bold), style or self.plain)

    def heading(self, words: str) -> Paragraph:
        return self.text(words, self.head, bold=True)

    def table(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[Any]],
        widths: Sequence[float],
        numbers: Sequence[int],
    ) -> Flowable:
        """Draw a table; `widths` are shares of the page, `numbers` the columns that are set to the right."""

        def line(cells: Sequence[Any], *, bold: bool = False) -> list[Paragraph]:
            return [
                self.text(cell, self.right if n in numbers else self.plain, bold=bold) for n, cell in enumerate(cells)
            ]  # fmt: skip

        drawn = [line(heads, bold=True), *(line(row) for row in rows)]
        whole = sum(widths)
        table = LongTable(drawn, colWidths=[WIDTH * w / whole for w in widths], repeatRows=1)
        table.setStyle(
            TableStyle([
                ("BACKGROUND", (0, 0), (-1, 0), WELL), ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5), ("LEFTPADDING", (0, 0), (-1, -1), 5),
                ("RIGHTPADDING", (0, 0), (-1, -1), 5),
            ])
        )  # fmt: skip
        return table

    def unprinted(self, where: str) -> list[Flowable]:
        """Name the characters that no face has; `where` says who has them."""
        if not self.printer.missing:
            return []
        points = ", ".join(f"U+{ord(letter):04X}" for letter in sorted(self.printer.missing))
        return [
            self.heading("Characters that this page cannot print"),
            self.text(f"A hollow square stands for each of these: {points}. {where}"),
        ]


def print_pdf(story: list[Flowable], title: str, foot: str) -> bytes:
    """Print a story on A4 with embedded fonts; `foot` stands at the foot of each page."""
    buffer = io.BytesIO()

    def draw_foot(canvas: Canvas, document: Any) -> None:
        canvas.setFont(faces()[0].name, 6.5)
        canvas.setFillColor(SOFT)
        canvas.drawString(MARGIN, 9 * mm, foot)
        canvas.drawRightString(A4[0] - MARGIN, 9 * mm, f"Page {document.page}")

    document = BaseDocTemplate(
        buffer, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=14 * mm, bottomMargin=16 * mm,
        title=title, author="Reconcile", invariant=1,
    )  # fmt: skip
    frame = Frame(MARGIN, 15 * mm, WIDTH, A4[1] - 29 * mm, 0, 0, 0, 0)
    document.addPageTemplates([PageTemplate("page", [frame], onPage=draw_foot)])
    document.build(story)
    return buffer.getvalue()
