"""How much is measured over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class HttpSize:
    """How much.

    Args:
        name: What it is called.
        overhead_rounds: Turns that the servers take on engines that compute nothing.
        overhead_s: Seconds of such a turn.
        rounds: Turns of the server and the runtime without it.
        throughput_s: Seconds of such a turn of the server; longer than some answers take.
        runtime_s: Seconds of such a turn of the runtime.
        warm_up_s: Seconds before each turn that are not counted.
        n_texts: Real texts per task, asked in turns.
        tail_load_s: Seconds in which one client asks, and in which as many ask as saturate a task.
        tail_s: Seconds at half of saturation.
        tail_rounds: Turns of these.
        isolation_s: Seconds of a turn at 10 requests a second.
        isolation_rounds: Turns that the idle and the busy machine take.
        burst_s: Seconds that a burst lasts.
    """

    name: str
    overhead_rounds: int
    overhead_s: float
    rounds: int
    throughput_s: float
    runtime_s: float
    warm_up_s: float
    n_texts: int
    tail_load_s: float
    tail_s: float
    tail_rounds: int
    isolation_s: float
    isolation_rounds: int
    burst_s: float


FULL = HttpSize(
    name="full",
    overhead_rounds=16,
    overhead_s=1.0,
    rounds=8,
    throughput_s=10.0,
    runtime_s=12.0,
    warm_up_s=3.0,
    n_texts=256,
    tail_load_s=5.0,
    tail_s=12.0,
    tail_rounds=5,
    isolation_s=40.0,
    isolation_rounds=3,
    burst_s=6.0,
)
QUICK = replace(
    FULL,
    name="quick",
    overhead_rounds=6,
    rounds=2,
    throughput_s=8.0,
    runtime_s=5.0,
    n_texts=128,
    tail_rounds=1,
    isolation_s=20.0,
    isolation_rounds=1,
    burst_s=3.0,
)
