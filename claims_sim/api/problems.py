"""Errors as `application/problem+json` (RFC 9457): one shape for every failure, and never a traceback."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from claims_sim.errors import (
    AuthorError,
    ClaimsSimError,
    ProducerBusyError,
    ProfileError,
    RequestError,
    SettingsError,
)

MEDIA_TYPE: Final = "application/problem+json"
_STATUS: Final[tuple[tuple[type[ClaimsSimError], int], ...]] = (
    (RequestError, 400),
    (ProducerBusyError, 409),
    (ProfileError, 503),
    (AuthorError, 503),
    (SettingsError, 500),
)
_log = logging.getLogger(__name__)


class Problem(BaseModel):
    """What went wrong, and where."""

    type: str = Field("about:blank", description="Always about:blank: the status says which kind it is")
    title: str = Field(description="The status in words", examples=["Bad Request"])
    status: int = Field(examples=[400])
    detail: str = Field(description="What, where and what to do", examples=["stay ends before it begins."])
    instance: str = Field(description="The path that was asked", examples=["/claims"])


def problem(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An answer that says what is wrong."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, instance=request.url.path)
    return JSONResponse(body.model_dump(), status, headers, MEDIA_TYPE)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: which problems an operation may answer with, besides those of every operation."""
    wanted = sorted({401, 422, 429, *statuses})
    schema = {"schema": Problem.model_json_schema()}
    return {status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}} for status in wanted}


def install(app: FastAPI) -> None:
    """Make every failure of `app` a problem document."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ClaimsSimError, _ours)
    app.add_exception_handler(Exception, _unexpected)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"type": "", "loc": (), "msg": ""}
    return problem(request, 422, _sentence(first, request.headers.get("content-type", "")))


def _sentence(wrong: Mapping[str, Any], media_type: str) -> str:
    """One line about what pydantic and FastAPI found wrong, in words that do not presuppose knowing either."""
    if wrong["type"] == "json_invalid":
        reason = (wrong.get("ctx") or {}).get("error", "it cannot be read")
        return f"The body is no JSON: {reason} at character {wrong['loc'][-1]}."
    if wrong["loc"] == ("body",):
        if wrong["type"] == "missing":
            return "The request has no body: send a JSON object, with content-type application/json."
        if "json" not in media_type:
            return f"The body is taken for {media_type or 'text'}: send JSON, with content-type application/json."
        if wrong["type"] == "value_error":  # fields that do not go together
            return f"{wrong['msg'].removeprefix('Value error, ')}."
        return "The body must be a JSON object, such as {}."
    place = ".".join(str(part) for part in wrong["loc"][1:]) or "the request"
    return f"{place}: {str(wrong['msg']).removeprefix('Value error, ').rstrip('.')}."


def _refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return _unexpected(request, error)
    return problem(request, error.status_code, str(error.detail), dict(error.headers or {}))


def _ours(request: Request, error: Exception) -> JSONResponse:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 503)
    return problem(request, status, str(error))


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(request, 500, "A fault of claims_sim's own; the server's log tells more.")
