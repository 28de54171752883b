"""Fonts of a printed report: embedded, and able to print any name; what none can print is shown and listed."""

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import reportlab
from django.conf import settings
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

# The first that a machine has. reportlab brings Vera itself, which knows little beyond western Europe.
FAMILIES = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("Vera.ttf", "VeraBd.ttf"),
)
BOX = "\u25a1"  # a hollow square
BLANK = re.compile(r"[\t\n\r]+")
# A right-to-left mark, say, prints nothing anywhere.
UNSEEN = {chr(code) for code in (*range(0x20), 0x7F, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0xFEFF)}


@dataclass(frozen=True)
class Face:
    """One registered font, and the characters that it can print."""

    name: str
    bold: str
    known: frozenset[int]


@dataclass
class Printer:
    """Turns text into marked-up text whose characters all have a font; remembers those that have none."""

    missing: set[str] = field(default_factory=set)

    def mark(self, text: object, *, bold: bool = False) -> str:
        """Give text for a reportlab paragraph: each run in the first font that can print it."""
        seen = [letter for letter in BLANK.sub(" ", str(text)) if letter not in UNSEEN]
        runs = groupby((self._set(letter) for letter in seen), key=lambda one: one[0])
        marked = (
            (face.bold if bold else face.name, "".join(letter for _, letter in run)) for face, run in runs
        )
        return "".join(f'<font face="{name}">{escape(run)}</font>' for name, run in marked)

    def _set(self, letter: str) -> tuple[Face, str]:
        """Give the font that prints a character, or a box in its place."""
        face = next((face for face in faces() if ord(letter) in face.known), None)
        if face is not None:
            return face, letter
        self.missing.add(letter)
        box = next((face for face in faces() if ord(BOX) in face.known), None)
        return (box, BOX) if box else (faces()[0], "?")


@cache
def faces() -> tuple[Face, ...]:
    """Register the fonts that this machine has, once; Vera is always among them."""
    found = []
    for plain, bold in FAMILIES:
        paths = [_find(plain), _find(bold)]
        if paths[0] is None or paths[1] is None:
            continue
        names = [path.stem for path in paths if path]
        fonts: list[Any] = [TTFont(name, str(path)) for name, path in zip(names, paths, strict=True)]
        for font in fonts:
            pdfmetrics.registerFont(font)
        found.append(Face(names[0], names[1], frozenset(fonts[0].face.charToGlyph)))
    return tuple(found)


def _find(name: str) -> Path | None:
    own = Path(reportlab.__file__).parent / "fonts"
    folders = [*map(Path, settings.REPORT_FONT_FOLDERS), own]
    return next((folder / name for folder in folders if (folder / name).exists()), None)
