"""A scorer behind HTTP: batches of claims as JSON out, scores as JSON back. Sends claims and nothing else.

POST <address>   {"claims": [{"claim_id": …, "admit_dt": …, …}, …]}
200              {"scores": [{"claim_id": …, "risk_score": 0.7, "reasons": ["…"]}, …], "name": …, "version": …}
"""

import json
from typing import Any, Final
from urllib.parse import urlsplit

import pyarrow as pa
import urllib3
from urllib3.util import Retry, Timeout

from claims_sim.errors import ScorerError
from claims_sim.llm.endpoint import is_loopback
from claims_sim.scoring.access import ScorerAccess
from claims_sim.scoring.protocol import VERDICTS, OpenedScorer, check_verdicts, claims_for_scorers

BATCH_CLAIMS: Final = 500
_CONNECT_S: Final = 5.0
_MOST_ANSWER_BYTES: Final = 64 << 20
_AGAIN: Final = (429, 502, 503, 504)


class HttpScorer(OpenedScorer):
    """A batch endpoint. Its name and version are what its answers say, until then its address."""

    def __init__(self, address: str, access: ScorerAccess) -> None:
        parts = urlsplit(address)
        if not parts.hostname or "@" in parts.netloc:
            raise ScorerError(
                "The scorer's address holds no host, or a password; the key goes into CLAIMS_SIM_SCORER_API_KEY."
            )
        if not access.allow_remote and not is_loopback(parts.hostname):
            raise ScorerError(
                f"The scorer at {parts.netloc} is not on this machine: claims would leave it. "
                "CLAIMS_SIM_SCORER_ALLOW_REMOTE=true allows that."
            )
        if access.api_key and parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ScorerError(f"The scorer at {parts.netloc}: a key is sent over https only.")
        self._address, self._who = address, f"The scorer at {parts.netloc}"
        self.name, self.version = f"{parts.scheme}://{parts.netloc}{parts.path}", "unknown"
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if access.api_key:
            self._headers["Authorization"] = f"Bearer {access.api_key}"
        retries = Retry(
            total=3, backoff_factor=0.3, backoff_jitter=0.2, status_forcelist=_AGAIN, allowed_methods=["POST"],
            redirect=0, raise_on_status=False, respect_retry_after_header=False,
        )  # fmt: skip
        timeout = Timeout(connect=min(_CONNECT_S, access.timeout_s), read=access.timeout_s)
        self._pool = urllib3.PoolManager(num_pools=1, retries=retries, timeout=timeout)

    def score_table(self, claims: pa.Table) -> pa.Table:
        """The endpoint's verdicts on `claims`, asked for in batches."""
        asked = claims_for_scorers(claims)
        if not len(asked):
            return VERDICTS.empty_table()
        parts = [asked.slice(first, BATCH_CLAIMS) for first in range(0, len(asked), BATCH_CLAIMS)]
        return pa.concat_tables([self._score_batch(part) for part in parts]).combine_chunks()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _score_batch(self, claims: pa.Table) -> pa.Table:
        body = json.dumps({"claims": claims.to_pylist()}, default=_as_json).encode()
        answer = self._ask(body)
        if isinstance(answer, dict):
            self.name, self.version = (
                str(answer.get("name", self.name))[:200],
                str(answer.get("version", self.version))[:200],
            )
        rows = answer.get("scores") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ScorerError(f'{self._who} gave no {{"scores": [{{…}}, …]}}.')
        try:
            table = pa.table({name: [row.get(name) for row in rows] for name in ("claim_id", "risk_score", "reasons")})
        except (pa.ArrowException, TypeError):
            raise ScorerError(
                f"{self._who} gave scores whose fields are of different kinds in different rows."
            ) from None
        return check_verdicts(table, claims["claim_id"], self._who)

    def _ask(self, body: bytes) -> Any:  # noqa: ANN401 - JSON of a stranger
        try:
            reply = self._pool.request("POST", self._address, body=body, headers=self._headers, preload_content=False)
            try:
                content = reply.read(_MOST_ANSWER_BYTES + 1)
            finally:
                reply.release_conn()
        except urllib3.exceptions.HTTPError as error:
            cause = getattr(error, "reason", None) or error
            raise ScorerError(f"{self._who} does not answer ({type(cause).__name__}), tried 4 times.") from None
        if reply.status != 200:
            raise ScorerError(f"{self._who} answers {reply.status}: {content[:200].decode(errors='replace').strip()}")
        if len(content) > _MOST_ANSWER_BYTES:
            raise ScorerError(f"{self._who} answers with more than {_MOST_ANSWER_BYTES >> 20} MB.")
        try:
            return json.loads(content)
        except ValueError:
            raise ScorerError(f"{self._who} gives an answer that is no JSON.") from None


def _as_json(value: Any) -> str:  # noqa: ANN401 - a date of whichever kind
    return str(value.isoformat())
