"""Holds the tables of a report against its report.json, with readers that are not ours.

    python check_tables.py REPORT_FOLDER

Parquet is opened with pyarrow, DuckDB and pandas, CSV with pandas. What each cell should hold is
worked out here from report.json. Prints a line for each table; ends with an error at the first
difference.
"""

import datetime
import json
import re
import sys
from pathlib import Path

import duckdb
import pandas
import pyarrow.parquet

TABLES = ["windows", "pairs", "ike_exchanges", "log_events", "findings"]

# Columns whose name is not the path of their field.
RENAMED = {
    "windows": {
        "packets_a_to_b": ("a_to_b", "packets"),
        "payload_bytes_a_to_b": ("a_to_b", "payload_bytes"),
        "packets_b_to_a": ("b_to_a", "packets"),
        "payload_bytes_b_to_a": ("b_to_a", "payload_bytes"),
        "answered": ("a_to_b", "answered"),
        "reason": ("causes", 0, "reason"),
        "confidence": ("causes", 0, "confidence"),
        "opened_reason": ("opened_by", 0, "reason"),
        "kept_open_reason": ("kept_open_by", 0, "reason"),
        "closed_reason": ("closed_by", 0, "reason"),
        "opened_confidence": ("opened_by", 0, "confidence"),
        "kept_open_confidence": ("kept_open_by", 0, "confidence"),
        "closed_confidence": ("closed_by", 0, "confidence"),
    },
}


def nanoseconds(text):
    """Nanoseconds since 1970 of a time in report.json."""
    if text is None:
        return None
    whole, digits = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z", text).groups()
    start = datetime.datetime(1970, 1, 1)
    since = datetime.datetime.fromisoformat(whole) - start
    seconds = since.days * 86400 + since.seconds
    return seconds * 10**9 + int((digits or "0").ljust(9, "0"))


def expected(table, row, column):
    """What the cell of a Parquet column should hold; a time in nanoseconds."""
    if column.endswith("_nanos"):
        return nanoseconds(row[column.removesuffix("_nanos")])
    if column in row:
        return row[column]
    if column in RENAMED.get(table, {}):
        value = row
        for step in RENAMED[table][column]:
            if isinstance(value, list) and not value:
                return None
            value = value[step]
        return value
    outer, inner = column.rsplit("_", 1)
    if table == "pairs":
        return row["by_class"][outer][inner]
    return row[outer][inner] if row[outer] else None


def is_same(cell, value):
    """Whether a cell is the value, a time cut to the microsecond, or the value's JSON text."""
    if isinstance(cell, datetime.datetime):
        start = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return (cell - start) // datetime.timedelta(microseconds=1) == nanoseconds(value) // 1000
    if isinstance(value, dict) or (isinstance(value, list) and isinstance(cell, str)):
        return json.loads(cell) == value
    return type(cell) is type(value) and cell == value


def check_parquet(folder, table, rows):
    path = folder / f"{table}.parquet"
    cells = pyarrow.parquet.read_table(path)
    assert cells.num_rows == len(rows), (table, cells.num_rows, len(rows))
    for column in cells.column_names:
        for cell, row in zip(cells.column(column).to_pylist(), rows):
            value = expected(table, row, column)
            assert is_same(cell, value), (table, column, cell, value)
    nested = {"by_class", "first", "last"} | {path[0] for path in RENAMED.get(table, {}).values()}
    missing = set(rows[0] if rows else []) - nested - set(cells.column_names)
    assert not missing, (table, missing)

    there = duckdb.read_parquet(str(path)).to_arrow_table()
    assert there.column_names == cells.column_names
    assert there.num_rows == len(rows), (table, "DuckDB")
    for column in cells.column_names:
        found, read = there.column(column).to_pylist(), cells.column(column).to_pylist()
        assert found == read, (table, column, "DuckDB")
    assert len(pandas.read_parquet(path)) == len(rows), (table, "pandas")


def csv_cell(value):
    """A value as one cell, before the guard against formulas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(csv_cell(item) for item in value)
    if isinstance(value, dict):
        if set(value) == {"evidence", "frame"} and isinstance(value["frame"], int):
            return f"{value['evidence']}:{value['frame']}"
        nested = any(isinstance(item, dict) for item in value.values())
        parts = [
            f"{name} {csv_cell(item)}" if isinstance(item, dict) else f"{name}={csv_cell(item)}"
            for name, item in value.items()
            if not is_empty(item)
        ]
        return ("; " if nested else ", ").join(parts)
    return str(value)


def is_empty(part):
    """Null, a list without items, a class without frames: parts of a cell that are left out."""
    if isinstance(part, dict):
        return all(count == 0 and not isinstance(count, bool) for count in part.values())
    return part is None or part == []


def unguarded(cell):
    """The cell without the apostrophes that keep a spreadsheet from taking it, or a part of it, for a formula."""
    return ";".join(GUARDED.sub(r"\1\2", piece) for piece in cell.split(";"))


def spelled(text):
    """The text with what cannot be seen spelled out; line ends and tabs stay."""
    return HIDDEN.sub(lambda found: f"\\u{{{ord(found.group()):x}}}", text)


GUARDED = re.compile("^( *)'([ '\x22]*[-=+@\t\r\n\uff1d\uff0b\uff0d\uff20].*)$", re.DOTALL)
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def check_csv(folder, table, rows):
    # Every cell is text, and text that says NA is no missing value.
    path = folder / f"{table}.csv"
    cells = pandas.read_csv(path, dtype=str, keep_default_na=False)
    assert len(cells) == len(rows), (table, len(cells), len(rows))
    missing = set(rows[0] if rows else []) - {"ladder"} - set(cells.columns)
    assert not missing, (table, missing)
    for column in cells.columns:
        for cell, row in zip(cells[column], rows):
            value = csv_cell(expected(table, row, column))
            assert unguarded(cell) == spelled(value), (table, column, cell, value)
            assert not re.match(r"[=+\-@\t\r]", cell) or is_number(cell), (table, column, cell)


def check_numbers(folder, table):
    """pandas and DuckDB read the CSV to the numbers of the Parquet table, as they come."""
    there = pyarrow.parquet.read_table(folder / f"{table}.parquet")
    kinds = [field for field in there.schema if str(field.type) in ("int64", "double", "bool")]
    path = str(folder / f"{table}.csv")
    read = pandas.read_csv(path, dtype_backend="numpy_nullable")
    duck = duckdb.sql(f"SELECT * FROM read_csv('{path}', header = true)").to_arrow_table()
    for field in kinds:
        for cells in (read[field.name].tolist(), duck.column(field.name).to_pylist()):
            for cell, known in zip(cells, there.column(field.name).to_pylist()):
                is_empty = cell is None or cell is pandas.NA
                assert known is None if is_empty else cell == known, (table, field.name, cell, known)


def is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def main():
    folder = Path(sys.argv[1])
    # Numbers with a fraction stay as they are written: nothing is rounded.
    text = (folder / "report.json").read_text(encoding="utf-8")
    exact = json.loads(text, parse_float=str)
    report = json.loads(text)
    for table in TABLES:
        check_parquet(folder, table, report[table])
        check_csv(folder, table, exact[table])
        if report[table]:
            check_numbers(folder, table)
        print(f"{table}: {len(report[table])} rows are the same")


if __name__ == "__main__":
    main()
