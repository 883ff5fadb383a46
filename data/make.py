"""Writes the samples of this folder that are made of its CSV files, and the shapes: `python data/make.py`."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
import zipfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
MOMENT = (2026, 1, 1, 0, 0, 0)
SIDE = 16


def table(name: str) -> tuple[list[str], list[list[str]]]:
    with (HERE / name).open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


def value(text: str) -> bool | int | float | str | None:
    """A cell of a CSV as the number or truth value that it is."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text or None


def churn_database() -> None:
    header, rows = table("churn.csv")
    (HERE / "churn.db").unlink(missing_ok=True)
    with sqlite3.connect(HERE / "churn.db") as connection:
        connection.execute(f"CREATE TABLE customers (id INTEGER PRIMARY KEY, {', '.join(header)})")
        places = ", ".join("?" * (len(header) + 1))
        lines = ([number, *map(value, row)] for number, row in enumerate(rows, 1))
        connection.executemany(f"INSERT INTO customers VALUES ({places})", lines)  # noqa: S608
    connection.close()


def churn_workbook() -> None:
    import openpyxl

    header, rows = table("churn.csv")
    book = openpyxl.Workbook(write_only=True)
    notes, sheet = book.create_sheet("notes"), book.create_sheet("customers")
    notes.append(["the table is on the second sheet, below a title"])
    sheet.append(["customers of a telephone company"])
    for line in (header, *(list(map(value, row)) for row in rows)):
        sheet.append(line)
    book.save(HERE / "churn.xlsx")


def churn_arrow() -> None:
    import pyarrow as pa
    from pyarrow import feather

    header, rows = table("churn.csv")
    columns = zip(*(map(value, row) for row in rows), strict=True)
    feather.write_feather(pa.table(dict(zip(header, map(list, columns), strict=True))), HERE / "churn.arrow")


def rentals_page() -> None:
    header, rows = table("rentals.csv")
    lines = [f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in header)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
    page = "<!DOCTYPE html>\n<meta charset='utf-8'>\n<title>Flats</title>\n<table id='flats'>\n{}\n</table>\n"
    (HERE / "rentals.html").write_text(page.format("\n".join(lines)), "utf-8")


def shapes() -> Iterator[tuple[str, str, bytes]]:
    """Bright circles, squares and crosses on dark ground, each of another size, place and noise."""
    from PIL import Image

    chance = random.Random(5)  # noqa: S311
    for number in range(300):
        kind = ("circle", "square", "cross")[number % 3]
        radius = chance.uniform(2.5, 5)
        x, y = (chance.uniform(radius, SIDE - 1 - radius) for _ in "xy")
        picture = Image.new("L", (SIDE, SIDE))
        for row in range(SIDE):
            for column in range(SIDE):
                across, down = abs(column - x), abs(row - y)
                inside = {
                    "circle": across**2 + down**2 <= radius**2,
                    "square": max(across, down) <= radius * 0.85,
                    "cross": min(across, down) <= 1 and max(across, down) <= radius,
                }[kind]
                picture.putpixel((column, row), chance.randint(140, 255) if inside else chance.randint(0, 90))
        out = io.BytesIO()
        picture.save(out, "PNG", optimize=True)
        yield f"{number:03}.png", kind, out.getvalue()


def shapes_archive() -> None:
    made = list(shapes())
    lines = "".join(f"{name},{kind}\n" for name, kind, _ in made)
    members = {"shapes/labels.csv": f"file,shape\n{lines}".encode()}
    members |= {f"shapes/pictures/{name}": data for name, _, data in made}
    with zipfile.ZipFile(HERE / "shapes.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, MOMENT), content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    for make in (churn_database, churn_workbook, churn_arrow, rentals_page, shapes_archive):
        make()
