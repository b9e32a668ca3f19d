"""The only Dagster code: assets, checks, IO managers, resources, sensor, jobs and schedules around `pipeline`."""

import warnings

from dagster import BetaWarning

# `Output(data_version=…)` is in beta; one warning a run would fill the code server's log.
warnings.filterwarnings("ignore", category=BetaWarning, message=".*data_version.*")
