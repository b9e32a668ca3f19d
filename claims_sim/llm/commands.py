"""What `claims-sim llm …` does, as plain functions that return what to show."""

from collections.abc import Callable
from typing import Any

from claims_sim.lifeline import end_with_parent, terminate_self
from claims_sim.llm import attach
from claims_sim.llm.server import ServerPlan, serve, threads_for, usable_cores
from claims_sim.llm.weights import find_weights, install_weights
from claims_sim.settings import Settings


def serve_model(settings: Settings, port: int, say: Callable[[str], object], *, with_parent: bool = False) -> None:
    """Run the local model in this process until it is stopped. Raises AuthorError when it cannot start."""
    weights = find_weights(settings.state_dir, settings.llm_gguf)
    if with_parent:
        end_with_parent(on_orphaned=terminate_self)
    serve(
        ServerPlan(
            gguf=weights.path,
            sha256=weights.sha256,
            state_dir=settings.state_dir.absolute(),
            threads=threads_for(usable_cores(), settings.llm_threads),
            slots=attach.SLOTS,
            port=port,
            owner=settings.supervised_by,
        ),
        say,
    )


def model_status(settings: Settings) -> dict[str, Any]:
    """The local model and its server, or the configured one; starts nothing."""
    return attach.status(settings)


def install_model(settings: Settings) -> dict[str, Any]:
    """Fetch the weights into the state folder unless they are installed."""
    weights = install_weights(settings.state_dir)
    return {"weights": str(weights.path), "from": weights.origin, "sha256": weights.sha256, "licence": "Apache-2.0"}


def stop_model(settings: Settings) -> dict[str, Any]:
    """End the local server of this state folder."""
    return {"stopped": attach.stop(settings)}
