"""From the files that licensed data sets are distributed as to Parquet files."""
