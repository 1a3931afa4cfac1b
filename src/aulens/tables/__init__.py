"""Results as tables: our own columns, those of other tools, and what follows from them in time."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aulens.tables.openface import OpenFace
from aulens.tables.pyfeat import PyFeat
from aulens.tables.reading import read_table

TableFormat = OpenFace | PyFeat
"""The CSV of another tool, filled with our results as far as they go; its cells are text."""

TABLE_FORMATS: Final[Mapping[str, TableFormat]] = MappingProxyType(
    {format.name: format for format in (OpenFace(), PyFeat(version=1), PyFeat(version=2))}
)
"""The formats of other tools that can be written, by name."""

__all__ = ["TABLE_FORMATS", "OpenFace", "PyFeat", "TableFormat", "read_table"]
