"""A sweep of a few units, as a job of a cluster that says where it keeps what."""

from __future__ import annotations

_CHANGES = (
    "sources=[review]",
    "targets=[remark]",
    "methods=[pot]",
    "metrics=[]",
    "seeds=[11]",
    "training.epochs=1",
    "tasks={review: {max_train_rows: 32, max_dev_rows: 16}, remark: {max_dev_rows: 16}}",
    "tracking_uri=$MLFLOW_TRACKING_URI",
)


def few_units(name: str, *changes: str) -> str:
    """The command line of a job.

    Args:
        name: of the sweep, and of its folder below PANDA_RAY_STORAGE.
        changes: more of `--set`.
    """
    sets = (f"name={name}", f"storage=$PANDA_RAY_STORAGE/{name}", *_CHANGES, *changes)
    return "panda-ray run quickstart --address auto" + "".join(f' --set "{change}"' for change in sets)
