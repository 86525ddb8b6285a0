"""The model card: one page from the recipe and the measured figures, nothing typed by hand."""

from __future__ import annotations

from seqserve.manifest import Description
from seqserve.training.recipe import Recipe


def model_card(recipe: Recipe, description: Description) -> str:
    """Give the Markdown text of MODEL_CARD.md."""
    lines = [
        f"# {description.name} {description.version}",
        "",
        recipe.card.summary,
        "",
        f"- Task: {description.task}; languages: {' → '.join(description.languages)}; "
        f"labels: {', '.join(description.labels) or '—'}; precision: {description.precision}",
        f"- Licence of the weights: {description.licence}",
        f"- Made by `make export RECIPE=recipes/{recipe.name}.toml` on {description.created} with "
        + ", ".join(f"{tool} {version}" for tool, version in sorted(description.tools.items())),
        "",
        "## Figures",
        "",
        "Measured on the exported bundle through the serving runtime, batches and all.",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {value:g} |" for name, value in sorted(description.figures.items())),
        "",
        "## Data",
        "",
        "| set | licence | what | examples |",
        "|---|---|---|---|",
        *(
            f"| {source.name} | {source.licence} | {source.what or '—'} | "
            + ", ".join(f"{split} {n}" for split, n in sorted(source.splits.items()))
            + " |"
            for source in description.data
        ),
        "",
        "## Training",
        "",
        "```json",
        recipe.settings_json(),
        "```",
        "",
        "## Limits",
        "",
        recipe.card.limits,
        "",
    ]
    return "\n".join(lines)
