"""Which rows of a table are of faces that are seen too badly, and why; by `aulens.runtime.doubt`."""

from collections import Counter
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aulens.errors import InputError
from aulens.runtime.doubt import DOUBTFUL, PARTS, doubt, doubts_text, guessed, guesses_text
from aulens.tables.schema import au_of, aus_in, rows_with_face

ROWS: Final = "rows with a face"
_NUMBERS: Final = ("quality", "pose_yaw", "pose_pitch", "box_h")


def doubts(table: pd.DataFrame) -> NDArray[np.str_]:
    """Why the face of each row is doubtful, (N,); "" where it is not, or there is none.

    Args:
        table: our columns; what it lacks (of an earlier version) is no doubt, or a reason less.
    """
    numbers = table.reindex(columns=[*_NUMBERS]).to_numpy(dtype=np.float64, na_value=np.nan)
    parts = table["hidden"].fillna("") if "hidden" in table else pd.Series("", table.index)
    hidden = parts.to_numpy(object)
    why = np.full(len(table), "", dtype="U64")
    for place in np.flatnonzero(rows_with_face(table) & (numbers[:, 0] < DOUBTFUL)):
        quality, yaw, pitch, height = numbers[place].tolist()
        why[place] = doubt(quality, yaw, pitch, height, hidden[place].split())
    return why


def doubtful_text(table: pd.DataFrame) -> str | None:
    """How many rows with a face are doubtful, and why; None if none is."""
    return doubts_text(Counter(doubts(table).tolist()), int(rows_with_face(table).sum()), ROWS)


def without_guesses(table: pd.DataFrame) -> pd.DataFrame:
    """A copy of a table in which AUs of hidden parts have no scores, in those rows.

    `success` stays 1, since the other AUs count. Events, smoothing and co-occurrence take no part of such
    cells; pages and shares need a table with all of them.

    Raises:
        InputError: the table does not say which parts are hidden.
    """
    if "hidden" not in table:
        raise InputError("the table has no column `hidden`: it is of an earlier version; analyze anew")
    kept = table.copy()
    for part in PARTS:
        guesses = guessed([part], aus_in(table))
        rows = table["hidden"].str.contains(part, regex=False).fillna(False).to_numpy(dtype=bool)
        kept.loc[rows, [name for name in table.columns if au_of(name) in guesses]] = np.nan
    return kept


def hidden_text(table: pd.DataFrame) -> str | None:
    """In how many rows with a face parts of it are hidden, and which AUs are guesses there; None: in none."""
    if "hidden" not in table:
        return None
    faces = rows_with_face(table)
    words = table.loc[faces, "hidden"].dropna().str.split()
    labels = aus_in(table)
    parts = [
        f"{part} hidden in {count:,} of {int(faces.sum()):,} {ROWS}, where {guesses}"
        for part, count in Counter(part for row in words for part in row).most_common()
        if (guesses := guesses_text([part], labels))
    ]
    return "; ".join(parts) or None
