"""The runs of units: how one is made of a record, and which of them MLflow has already."""
