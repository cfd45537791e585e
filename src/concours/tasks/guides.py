"""What lies beside the rows to learn from and tells what is asked: rows without the target, a sample submission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks.columns import Column, Note
from concours.tasks.targets import Choice, chosen_target, likeliest


@dataclass(frozen=True, kw_only=True)
class Guide:
    """Tables that lie beside the rows to learn from.

    Attributes:
        rows: those to predict, without the target, and `rows_name`.
        sample: of a submission, and `sample_name`.
    """

    rows: pa.Table | None = None
    rows_name: str = ""
    sample: pa.Table | None = None
    sample_name: str = ""

    def lacking(self, columns: Sequence[Column]) -> list[Column]:
        """The columns that rows to predict have not; none where nothing is known of them, or no column is shared."""
        if self.rows is None:
            return []
        there = set(self.rows.column_names)
        found = [column for column in columns if column.name not in there]
        return found if len(found) < len(columns) else []

    def target(self, columns: Sequence[Column], table: pa.Table) -> Choice | None:
        """The column that the rows to predict lack and the sample has; without a sample, the one that they lack.

        Raises:
            DataError: the sample has several such columns, or it is not clear which of several is meant.
        """
        lacking = self.lacking(columns)
        if self.sample is not None:
            asked = self.sample.column_names[1:]
            among = [column.name for column in lacking or columns if column.name in asked]
            if len(among) > 1:
                raise DataError(
                    f"{self.sample_name} asks for {len(among)} columns, {', '.join(among[:6])}; Concours predicts one "
                    "at a time: say which by --target COLUMN"
                )
            if among:
                return Choice(name=among[0], why=f"{self.sample_name} asks for it")
            if len(asked) > 1 and (spread := _of_values(asked, lacking, table)):
                return Choice(name=spread, why=f"the columns of {self.sample_name} are its classes")
        if len(lacking) == 1:
            return Choice(name=lacking[0].name, why=f"the one column that {self.rows_name} has not")
        return self._likeliest(lacking) if lacking else None

    def id(self, columns: Sequence[Column]) -> Note | None:
        """The first column of the sample, if the rows have it too and it tells them apart."""
        if self.sample is None:
            return None
        first = self.sample.column_names[0]
        column = next((column for column in columns if column.name == first), None)
        if column is None or column.gaps or column.distinct < column.rows:
            return None
        return Note(name=first, why=f"the first column of {self.sample_name}")

    def unusable(self, columns: Sequence[Column], target: str) -> tuple[Note, ...]:
        """Columns besides the target that the rows to predict have not, so that nothing can be learned from them."""
        why = f"{self.rows_name} has it not"
        return tuple(Note(name=column.name, why=why) for column in self.lacking(columns) if column.name != target)

    def _likeliest(self, lacking: Sequence[Column]) -> Choice:
        """Of several columns that the rows to predict lack, the one whose name says that it is the target."""
        try:
            found = chosen_target(lacking, self.rows_name)
        except DataError:
            named = likeliest(lacking)
            names = ", ".join(column.name for column in lacking[:8])
            if named is None:
                raise DataError(
                    f"{self.rows_name} lacks {len(lacking)} columns, {names}: say which is to be predicted by "
                    "--target COLUMN"
                ) from None
            found = Choice(name=named.name, why="its name")
        return Choice(name=found.name, why=f"{self.rows_name} has it not, and {found.why}")


def _of_values(asked: Sequence[str], lacking: Sequence[Column], table: pa.Table) -> str | None:
    """The column that has these names among its values, each of them."""
    for column in lacking:
        if column.distinct <= 2 * len(asked):
            values = {str(value) for value in table[column.name].unique().to_pylist()}
            if set(asked) <= values or {name.rpartition("_")[2] for name in asked} <= values:
                return column.name
    return None
