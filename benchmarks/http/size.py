"""How much is measured over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class HttpSize:
    """How much is measured.

    Args:
        name: Its name.
        overhead_rounds: Rounds of the servers on engines that compute nothing.
        overhead_s: Seconds of such a round.
        rounds: Rounds of the server and the runtime alone.
        throughput_s: Seconds of such a round of the server; longer than some answers take.
        runtime_s: Seconds of such a round of the runtime.
        warm_up_s: Seconds before each round that are not counted.
        n_texts: Real texts per task.
        tail_load_s: Seconds of the load by one client, and of that by as many as saturate a task.
        tail_s: Seconds at half of saturation.
        tail_rounds: Rounds of these.
        dialect_rounds: Rounds of the routes of all dialects.
        dialect_s: Seconds of such a round.
        cache_rounds: Rounds of the server without and with a cache of answers.
        cache_s: Seconds of such a round.
        swap_rounds: Rounds without and with changes of the version.
        swaps: Changes of a round.
        swap_every_s: Seconds from one change to the next.
    """

    name: str = "full"
    overhead_rounds: int = 16
    overhead_s: float = 1.0
    rounds: int = 8
    throughput_s: float = 10.0
    runtime_s: float = 12.0
    warm_up_s: float = 3.0
    n_texts: int = 256
    tail_load_s: float = 5.0
    tail_s: float = 12.0
    tail_rounds: int = 5
    dialect_rounds: int = 6
    dialect_s: float = 1.5
    cache_rounds: int = 5
    cache_s: float = 6.0
    swap_rounds: int = 5
    swaps: int = 4
    swap_every_s: float = 3.0


FULL = HttpSize()
QUICK = replace(
    FULL,
    name="quick",
    overhead_rounds=6,
    rounds=2,
    throughput_s=8.0,
    runtime_s=5.0,
    n_texts=128,
    tail_rounds=1,
    dialect_rounds=2,
    cache_rounds=2,
    cache_s=4.0,
    swap_rounds=1,
    swaps=4,
)
