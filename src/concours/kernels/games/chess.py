"""Chess by the package `chess`, its plies bounded: after the last a game is adjudicated by material."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import MissingPackage
from concours.core.optional import install_command
from concours.kernels.games.game import at_random

_PLIES: Final = 160
_WORTH: Final = (1, 3, 3, 5, 9, 0)
"""Of pawn, knight, bishop, rook, queen, king."""
_ENOUGH: Final = 3
"""Whoever is ahead by so much when the plies are over has won."""
_SQUARES: Final = 64


@dataclass(frozen=True)
class At:
    """A position: the board, with what was played."""

    board: Any
    plies: int

    def __hash__(self) -> int:
        return hash(self.board.fen())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, At) and self.board.fen() == other.board.fen()


@dataclass(frozen=True)
class Chess:
    """Chess. An action is from * 64 + to, and a pawn that gets across becomes a queen.

    Raises:
        MissingPackage: the package `chess` is not installed.
    """

    name: str = "chess"
    actions: int = _SQUARES * _SQUARES
    open: bool = True
    opening: int = 4

    def __post_init__(self) -> None:
        self._chess  # noqa: B018 (to fail here rather than in a match)

    @cached_property
    def _chess(self) -> Any:
        try:
            import chess
        except ImportError:
            raise MissingPackage(f"chess takes the package chess; get it with: {install_command('chess')}") from None
        return chess

    def start(self, chance: int) -> At:
        del chance
        return At(self._chess.Board(), 0)

    def player(self, position: At) -> int:
        return 0 if position.board.turn else 1

    def legal(self, position: At) -> tuple[int, ...]:
        queen = self._chess.QUEEN
        moves = (m for m in position.board.legal_moves if m.promotion in (None, queen))
        return tuple(sorted(m.from_square * _SQUARES + m.to_square for m in moves))

    def step(self, position: At, action: int) -> At:
        board = position.board.copy(stack=8)
        board.push(self._move(position, action))
        return At(board, position.plies + 1)

    def points(self, position: At) -> float | None:
        board = position.board
        ended = board.outcome(claim_draw=False)
        if ended is not None:
            return 0.5 if ended.winner is None else float(ended.winner)
        if board.halfmove_clock >= 100 or board.is_repetition(3):
            return 0.5
        if position.plies < _PLIES:
            return None
        ahead = self.material(position)
        return 0.5 if abs(ahead) < _ENOUGH else float(ahead > 0)

    def material(self, position: At) -> int:
        """White's less black's, in pawns."""
        board = position.board
        return sum(
            worth * (len(board.pieces(kind, True)) - len(board.pieces(kind, False)))
            for kind, worth in enumerate(_WORTH, 1)
        )

    def worth(self, position: At) -> float:
        """By material: a queen ahead is nearly won."""
        return 0.5 + self.material(position) / 80

    def playout(self, position: At, draw: Random) -> float:
        return at_random(self, position, draw)

    def observe(self, position: At) -> NDArray[Any]:
        """(8, 8, 12) int8: pawns, knights, bishops, rooks, queens and kings, one's own first, from one's own side."""
        board, planes = position.board, np.zeros((8, 8, 12), np.int8)
        for square, piece in board.piece_map().items():
            row, column = divmod(square, 8)
            own = piece.color == board.turn
            planes[row if not board.turn else 7 - row, column, piece.piece_type - 1 + (0 if own else 6)] = 1
        return planes

    def drawn(self, position: At) -> list[str]:
        return [line.replace(" ", "").replace(".", "·") for line in str(position.board).splitlines()]

    def said(self, position: At, action: int) -> str:
        return str(position.board.san(self._move(position, action)))

    def _move(self, position: At, action: int) -> Any:
        start, end = divmod(action, _SQUARES)
        piece = position.board.piece_at(start)
        across = piece and piece.piece_type == self._chess.PAWN and end // 8 in (0, 7)
        return self._chess.Move(start, end, promotion=self._chess.QUEEN if across else None)
