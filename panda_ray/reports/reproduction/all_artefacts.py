"""Which tables and figures there are. To add one, write its layout in a file of **tables/** or **charts/** and
add it here."""

from __future__ import annotations

from panda_ray.errors import unknown_name
from panda_ray.reports.reproduction.artefact import Artefact
from panda_ray.reports.reproduction.charts import (
    bars_of_methods,
    cases,
    initialisations,
    maps_of_similarity,
    rivals_with_panda,
    weights_of_distillation,
)
from panda_ray.reports.reproduction.tables import (
    ablations,
    averages_by_size,
    claims,
    costs_of_methods,
    datasets,
    families,
    grids,
    several_sources,
    similarities,
)

_TABLES = (datasets, grids, averages_by_size, several_sources, ablations, similarities, families, costs_of_methods)

_FIGURES = (bars_of_methods, initialisations, weights_of_distillation, maps_of_similarity, cases, rivals_with_panda)

ARTEFACTS: dict[str, Artefact] = {
    artefact.id: artefact
    for artefact in (
        *sorted(
            (artefact for module in _TABLES for artefact in module.ARTEFACTS),
            key=lambda table: int(table.id.removeprefix("table")),
        ),
        *sorted(
            (artefact for module in _FIGURES for artefact in module.ARTEFACTS),
            key=lambda figure: int(figure.id.removeprefix("figure")),
        ),
        *claims.ARTEFACTS,
    )
}
"""By id, in the paper's order; what it claims of all tables comes last."""


def get_artefact(name: str) -> Artefact:
    """The artefact of that id.

    Raises:
        InputError: there is none.
    """
    if name not in ARTEFACTS:
        raise unknown_name("table or figure", name, ARTEFACTS)
    return ARTEFACTS[name]
