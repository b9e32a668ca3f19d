"""Failures of the `openai` package and of HTTP as ours: one small family, in words that hold no key and no prompt."""

from typing import Final

import httpx2
import openai

from claims_sim.llm.abilities import OPTIONS
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.retry import retry_after_s

FOREIGN: Final = (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, ValueError)
"""What a request may raise."""
_FORMAT_WORDS: Final = ("response_format", "json_schema", "json_object", "structured output")


class PartRefusedError(Exception):
    """The server does not know a part of a request: an option, or the format of the answer."""

    def __init__(self, part: str, refusal: LLMError) -> None:
        super().__init__(part)
        self.part = part
        self.refusal = refusal


def ours(error: Exception, where: str) -> LLMError | PartRefusedError:
    """`error` as one of ours. Servers' texts are left out: they echo keys and prompts."""
    if isinstance(error, TimeoutError | openai.APITimeoutError | httpx2.TimeoutException):
        return LLMError(Failure.TIMEOUT, f"{where} did not answer in time.")
    if isinstance(error, openai.APIStatusError):
        if _is_filtered(error):
            return LLMError(Failure.INVALID, f"{where} declined to answer.")
        refusal = _of_status(error.status_code, error.response.headers.get("retry-after"), where)
        part = _refused_part(error)
        return PartRefusedError(part, refusal) if part else refusal
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
        met = not isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
        return LLMError(Failure.UNREACHABLE, f"{where} cannot be reached, or dropped the connection.", was_sent=met)
    return LLMError(Failure.INVALID, f"{where} sent something that cannot be read.")


def _of_status(status: int, after: str | None, where: str) -> LLMError:
    if status == 429:
        return LLMError(Failure.RATE_LIMITED, f"{where} is rate limited (429).", retry_after_s=retry_after_s(after))
    if status >= 500 or status == 408:
        return LLMError(Failure.SERVER_ERROR, f"{where} failed ({status}).", retry_after_s=retry_after_s(after))
    if 300 <= status < 400:
        hint = "it redirects elsewhere; set CLAIMS_SIM_LLM_BASE_URL to the address itself"
    else:
        hint = {
            401: "check CLAIMS_SIM_LLM_API_KEY",
            403: "the key does not allow this model",
            404: "check CLAIMS_SIM_LLM_BASE_URL and CLAIMS_SIM_LLM_MODEL",
        }.get(status, "it does not take requests of this form")
    return LLMError(Failure.REFUSED, f"{where} refused the request ({status}): {hint}.", status=status)


def _is_filtered(error: openai.APIStatusError) -> bool:
    """Whether a filter of contents held back this one prompt (Azure says so with a 400): others may well pass."""
    return error.status_code == 400 and "content_filter" in (getattr(error, "code", None), getattr(error, "type", None))


def _refused_part(error: openai.APIStatusError) -> str:
    """The part of a request that a server says it does not know, by parameter or in words; empty when it names none."""
    if error.status_code not in (400, 422):
        return ""
    said = f"{getattr(error, 'param', None) or ''} {error.message}".lower()
    if any(word in said for word in _FORMAT_WORDS):
        return "response_format"
    return next((option for option in OPTIONS if option in said), "")
