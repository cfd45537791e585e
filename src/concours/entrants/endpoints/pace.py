"""How many requests an address is asked at once: one more for each round that goes well, half when it is too much.

Additive increase, multiplicative decrease, as TCP has it (Chiu and Jain 1989).
"""

from __future__ import annotations


class Pace:
    """The pace at one address. Times are of one steady clock, in seconds.

    Attributes:
        limit: requests at once, from 1 to `most`; it begins at `most`.
        paused_until: before this nothing is to be sent, since the server asked for it.
        answered_at: when it last answered.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.paused_until = float("-inf")
        self.answered_at = float("-inf")
        self._halved_at = float("-inf")

    def answered(self, now: float) -> None:
        """A request was answered."""
        self.answered_at = now
        self.limit = min(float(self.most), self.limit + 1.0 / self.limit)

    def too_much(self, sent_at: float, now: float) -> None:
        """A request that was sent then was too much. Those sent before the last halving do not count again."""
        if sent_at > self._halved_at:
            self.limit = max(1.0, self.limit / 2)
            self._halved_at = now

    def pause(self, until: float) -> None:
        """Nothing is to be sent before then."""
        self.paused_until = max(self.paused_until, until)
