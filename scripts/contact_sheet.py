"""Draws every picture of days of many sizes, and puts them all on one sheet to be looked at.

    python scripts/contact_sheet.py FOLDER [--vpps 2,5,12,30,100] [--periods 24,96,672] [--long-ids] [--households]

FOLDER/sheet.png has a row for each size and a column for each picture; FOLDER/N-T/ has the pictures themselves.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # started as a file, it finds the modules beside it all the same

from PIL import Image, ImageDraw, ImageFont

from market.app.figures.day import day_pictures
from market.app.figures.network import network_pictures
from market.app.figures.picture import Picture
from market.app.results.recorded import RecordedRun
from scripts.bench.days_of_size import HOURS, day_of_size, repeated

THUMB = (420, 400)  # pixels of a picture on the sheet, at most
MARGIN = 24
DAYS_SHOWN = 1  # of the pictures of single VPPs' days, which are drawn alike


def pictures_of(run: RecordedRun) -> Iterator[Picture]:
    """Every picture of a run, of its single VPPs' days only some."""
    days = 0
    for picture in (*day_pictures(run), *network_pictures(run)):
        days += picture.name.startswith("dispatch_")
        if not picture.name.startswith("dispatch_") or days <= DAYS_SHOWN:
            yield picture


def sheet(rows: Sequence[tuple[str, Sequence[tuple[str, bytes]]]]) -> Image.Image:
    """Thumbnails of PNG files: a row for each size, under its name, a column for each picture's name."""
    names = list(dict.fromkeys(name for _, pictures in rows for name, _ in pictures))
    size = (len(names) * (THUMB[0] + MARGIN) + MARGIN, len(rows) * (THUMB[1] + 2 * MARGIN))
    page = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(16)
    for row, (name_of_row, pictures) in enumerate(rows):
        top = row * (THUMB[1] + 2 * MARGIN)
        for name, png in pictures:
            left = MARGIN + names.index(name) * (THUMB[0] + MARGIN)
            thumb = Image.open(io.BytesIO(png)).convert("RGB")
            thumb.thumbnail(THUMB)
            page.paste(thumb, (left, top + MARGIN))
            pen.text((left, top + 4), f"{name_of_row}  {name}", fill="black", font=font)
    return page


def main() -> None:
    """Draw, write, and say where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vpps", default="2,5,12,30,100")
    parser.add_argument("--periods", default="24,96,672")
    parser.add_argument("--long-ids", action="store_true")
    parser.add_argument("--households", action="store_true", help="a thousandth of all powers")
    asked = parser.parse_args()
    rows = []
    for vpps in map(int, asked.vpps.split(",")):
        scale = 0.001 if asked.households else 1.0
        day = day_of_size(vpps, power_scale=scale, long_ids=asked.long_ids)
        for periods in map(int, asked.periods.split(",")):
            place = asked.folder / f"{vpps}-{periods}"
            place.mkdir(parents=True, exist_ok=True)
            run = repeated(day, periods // HOURS)
            drawn = [(each.name.split("_VPP")[0], each.png) for each in pictures_of(run)]
            for name, png in drawn:
                (place / f"{name}.png").write_bytes(png)
            rows.append((place.name, drawn))
            print(f"{place}: {len(drawn)} pictures", flush=True)
    sheet(rows).save(asked.folder / "sheet.png")
    print(asked.folder / "sheet.png")


if __name__ == "__main__":
    main()
