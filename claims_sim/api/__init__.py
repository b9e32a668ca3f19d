"""The HTTP API and its live page. Reads Parquet snapshots and the control file; never opens the database."""
