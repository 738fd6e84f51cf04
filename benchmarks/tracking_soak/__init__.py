"""MLflow on Postgres under a long sweep whose servers are killed half way; see README.md one folder up."""
