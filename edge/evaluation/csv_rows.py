"""The rows of a CSV file of the user's."""

import csv
from pathlib import Path

from edge.errors import UsageError


def csv_rows(path: Path) -> list[dict[str, str]]:
    """
    Return each row by the names of its columns; a BOM, as of a spreadsheet, is none of a name.

    Raises:
        UsageError: The file cannot be read, or is no CSV in UTF-8; names the file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV: {error}") from error
