"""`seqserve dev`: commands for developers of the project: benchmarks, load tests, generated documents."""

from __future__ import annotations

from seqserve.cli.app import App
from seqserve.cli.dev.baselines import baselines
from seqserve.cli.dev.bench import bench, bench_http
from seqserve.cli.dev.bench_bulk import bench_bulk
from seqserve.cli.dev.cards import ablate, card, refit
from seqserve.cli.dev.endurance import chaos, footprint, soak
from seqserve.cli.dev.interpolation import interpolate
from seqserve.cli.dev.load import load
from seqserve.cli.dev.reference import reference
from seqserve.cli.dev.zoo import zoo

app = App(help="Commands for developers of the project: benchmarks, load tests, model cards.")
for command in (
    *(bench, bench_http, bench_bulk, soak, chaos, footprint),
    *(ablate, interpolate, baselines, zoo, card, refit, reference),
):
    app.command()(command)
app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(load)
