"""The continuous worker: one long-lived process that keeps what a tick needs warm. Knows neither Dagster nor a terminal."""
