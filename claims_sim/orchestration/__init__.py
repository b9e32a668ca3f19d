"""The only Dagster code: assets, checks, IO managers, resources, sensor, jobs and schedules around `pipeline`."""
