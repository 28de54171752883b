"""Opens files in LibreOffice without a screen, and prints what it reads there: `python -m tests.office FILE…`.

A check by a program that neither wrote nor tests our files. It needs Debian's packages libreoffice-calc-nogui and
libreoffice-draw-nogui, which are large, so the test suite does not run it.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# How each kind is read: as what LibreOffice exports it. All sheets of a workbook (-1), in UTF-8 (76), as shown.
FILTERS = {
    ".xlsx": "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1",
    ".csv": "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false",
    ".pdf": "png:draw_png_Export",
}
FEW = 8


def main(names: list[str]) -> int:
    """Open each file; return 1 when there is no LibreOffice, or when it made nothing of a file."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if not office:
        sys.stderr.write("Install it first: apt-get install libreoffice-calc-nogui libreoffice-draw-nogui\n")
        return 1
    return max([_show(office, Path(name)) for name in names], default=0)


def _show(office: str, path: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        profile = f"-env:UserInstallation=file://{folder}/profile"
        # Our CSV says that it is UTF-8; LibreOffice without a window does not look.
        read = ["--infilter=Text - txt - csv (StarCalc):44,34,76,1"] if path.suffix == ".csv" else []
        write = ["--convert-to", FILTERS[path.suffix], "--outdir", folder]
        command = [office, profile, "--headless", *read, *write, str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        made = sorted(one for one in Path(folder).iterdir() if one.is_file())
        for one in made:
            _print(path, one)
    return 0 if made else 1


def _print(source: Path, made: Path) -> None:
    if made.suffix == ".csv":
        rows = list(csv.reader(made.open(newline="", encoding="utf-8")))
        sys.stdout.write(f"{source.name} -> {made.name}: {len(rows)} rows\n")
        for row in rows[:FEW]:
            sys.stdout.write("  " + " | ".join(row) + "\n")
    else:
        sys.stdout.write(f"{source.name} -> {made.name}: {made.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
