"""The yardstick of `bench_tick.py`: a Dagster chain of four assets that do nothing, run as ours is."""

from dagster import AssetSelection, Definitions, asset, define_asset_job, in_process_executor


@asset
def first() -> int:
    return 1


@asset
def second(first: int) -> int:
    return first


@asset
def third(second: int) -> int:
    return second


@asset
def fourth(third: int) -> int:
    return third


defs = Definitions(
    assets=[first, second, third, fourth],
    jobs=[define_asset_job("simulate_claims", AssetSelection.all(), executor_def=in_process_executor)],
    executor=in_process_executor,
)
