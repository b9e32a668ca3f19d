"""Prometheus metrics, read at each scrape from the control file: ticks are processes of their own, the counts are there.

Who serves them is no business of this module: see `serving`.
"""

import time
from collections.abc import Iterable
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from claims_sim.observe.health import check_health
from claims_sim.observe.latency import BOUNDS, Latency
from claims_sim.settings import Settings
from claims_sim.store import control

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_COUNTERS: Final = {
    "planned": "Claims that were planned",
    "accepted": "Claims that passed review and were put into the outbox",
    "repaired": "Claims that were written again after a failed review",
    "rejected": "Planned claims that no author could write acceptably",
    "released": "Claims that were published to the channel",
    "ingested": "Claims that were stored in claims_live_stream",
    "dead_letters": "Messages that were no acceptable claims",
    "duplicates": "Messages that repeated a stored claim",
    "scored": "Claims that have a score",
    "tokens_in": "Tokens that the language model read",
    "tokens_out": "Tokens that the language model wrote",
}


class SimulationCollector:
    """Reads the control file when it is asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterable[Metric]:
        """All metrics, as they are now."""
        folder = self._settings.state_dir
        flow = control.get_status(folder, "flow") or {}
        for name, meaning in _COUNTERS.items():
            if name in flow:
                yield CounterMetricFamily(f"claims_sim_{name}", meaning, value=float(flow[name]))
        yield from _gauges(self._settings, flow)
        latency = Latency.load(folder)
        buckets, running = [], 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), latency.counts, strict=True):
            running += count
            buckets.append((bound, float(running)))
        yield HistogramMetricFamily(
            "claims_sim_tick_seconds",
            "Seconds from the plan of a batch to its scores (worker)",
            buckets,
            latency.total_s,
        )


def _gauges(settings: Settings, flow: dict[str, Any]) -> Iterable[Metric]:
    worker = control.get_status(settings.state_dir, "worker") or {}
    health = check_health(settings)
    yield GaugeMetricFamily("claims_sim_ready", "1 when claims arrive and nothing is in the way", value=health.ready)
    if "unscored" in flow:
        yield GaugeMetricFamily("claims_sim_unscored", "Stored claims without a score", value=float(flow["unscored"]))
    if "updated_at" in flow:
        age = max(0.0, time.time() - float(flow["updated_at"]))
        yield GaugeMetricFamily("claims_sim_last_tick_age_seconds", "Seconds since the last tick", value=age)
    if "lag_s" in worker:
        yield GaugeMetricFamily("claims_sim_worker_lag_seconds", "How late the last batch began", value=worker["lag_s"])


def _registry(settings: Settings) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(SimulationCollector(settings))
    return registry


def exposition(settings: Settings) -> bytes:
    """The metrics as Prometheus reads them (CONTENT_TYPE)."""
    return generate_latest(_registry(settings))
