"""How fast a queue empties, measured in what leaves it and on the clock of the wall.

So it holds whatever the batches are like: padding, the way to the engines and calls that go on at the
same time are in the figure, and need not be known.
"""

from __future__ import annotations

_KEPT = 0.95  # of what is known, when a call comes back: about the last 20 calls count


class DrainRate:
    """Texts and tokens a second while calls are in flight.

    A few texts that came one by one weigh little beside a full batch, so the pace under load is known
    after a few batches of it.
    """

    def __init__(self) -> None:
        self._busy_s = 0.0
        self._busy_s2 = 0.0  # sum of squares
        self._n_texts = 0.0
        self._n_tokens = 0.0
        self._since = 0.0

    def begin(self, now: float) -> None:
        """A call is in flight, and none was before.

        Args:
            now: In seconds, of any clock.
        """
        self._since = now

    def complete(self, now: float, n_texts: int, n_tokens: int) -> None:
        """A call came back.

        Args:
            now: In seconds, of the same clock.
            n_texts: In its batch.
            n_tokens: In its batch, as the queue counts them.
        """
        gap_s = now - self._since
        self._since = now
        self._busy_s = _KEPT * self._busy_s + gap_s
        self._busy_s2 = _KEPT * self._busy_s2 + gap_s**2
        self._n_texts = _KEPT * self._n_texts + n_texts
        self._n_tokens = _KEPT * self._n_tokens + n_tokens

    def seconds(self, n_texts: int, n_tokens: int) -> float:
        """How long it takes until so many texts, and so many tokens, have left; 0 if nothing is known.

        They leave by batches: however few they are, a call must come back first. Seen from any moment,
        that takes half the mean square of the gaps between calls, over their mean.

        Args:
            n_texts: Not above 0 counts as 0; so for tokens.
            n_tokens: As the queue counts them.
        """
        if not self._busy_s:
            return 0.0
        until_next_s = self._busy_s2 / self._busy_s / 2
        share = max(n_texts / self._n_texts, n_tokens / self._n_tokens)
        return max(until_next_s, share * self._busy_s)
