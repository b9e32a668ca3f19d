"""The one error of scoring that a user can meet."""

from typing import Final

from claims_sim.errors import ClaimsSimError

EXIT_SCORER: Final = 9


class ScorerError(ClaimsSimError):
    """A scorer cannot be trained on these claims, or a saved scorer cannot be read."""

    exit_code = EXIT_SCORER
