"""What is said of a simulation on workers of several kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from panda_ray.cli.wording.words import ahead_as_json, duration, hours

if TYPE_CHECKING:
    from panda_ray.usecases.simulate import FleetForecast


def fleet_table(forecast: FleetForecast) -> Table:
    """What each kind of worker does, and for how much while it is busy."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("kind", "devices", "stacks", "busy", "hours", "price"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind, count in forecast.devices.items():
        busy, price = forecast.busy(kind), forecast.price(kind)
        table.add_row(
            kind,
            str(count),
            str(forecast.stacks(kind)),
            duration(busy),
            hours(forecast.by_kind[kind].hours(busy)),
            "" if price is None else f"{price:,.2f} {forecast.by_kind[kind].currency}",
        )
    return table


def fleet_as_json(forecast: FleetForecast) -> dict[str, Any]:
    """`seconds` and `price` of a kind are those of its stacks, one after the other; `alone` is all of it there."""
    return {
        "sweep": forecast.plan.sweep.name,
        "stacks": len(forecast.plan.stacks),
        "units": {"total": len(forecast.plan.units), "done": len(forecast.plan.done)},
        "published_sizes": list(forecast.catalog.nominal_tasks),
        "unknown_backbones": list(forecast.catalog.nominal_backbones),
        "makespan_seconds": round(forecast.run.makespan, 1),
        "kinds": {
            kind: {
                "devices": count,
                "stacks": forecast.stacks(kind),
                "seconds": round(forecast.busy(kind), 1),
                "price": None if (price := forecast.price(kind)) is None else round(price, 2),
                "alone": ahead_as_json(forecast.by_kind[kind]),
            }
            for kind, count in forecast.devices.items()
        },
    }
