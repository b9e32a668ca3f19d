"""The application: routes, guard, errors, the page. Builds it; does not run it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from claims_sim import __version__
from claims_sim.api import claims, injections, insight, live, problems, requests, service
from claims_sim.api.exposure import LOOPBACK
from claims_sim.api.guard import DOCS_ASSETS, Guard
from claims_sim.api.snapshots import Snapshots
from claims_sim.settings import Settings

_DESCRIPTION: Final = (
    "Synthetic health-insurance claims: ask for some, list and follow those that were streamed, look at profile, fidelity "
    "and scores. Nothing here is about a real person. Errors are `application/problem+json`. Every path also stands under "
    "`/v1`."
)


def create_app(settings: Settings) -> FastAPI:
    """The application over the state folder of `settings`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.tail = live.Tail(app.state.snapshots)
        app.state.jobs = requests.Jobs(settings.state_dir / "requests")
        following = asyncio.create_task(app.state.tail.follow())
        try:
            yield
        finally:
            following.cancel()
            await app.state.tail.stop()
            app.state.jobs.close()
            app.state.snapshots.close()

    app: FastAPI = FastAPIOffline(  # the page that explains the API loads nothing from elsewhere
        title="claims_sim",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        static_url=DOCS_ASSETS,
        favicon_url="page/icon.svg",
        swagger_ui_parameters={"docExpansion": "list", "defaultModelsExpandDepth": 0},
    )
    app.state.settings = settings
    app.state.snapshots = Snapshots(settings.snapshots_path)
    app.state.kept = insight.Kept()
    problems.install(app)
    for module in (
        live,
        requests,
        claims,
        insight,
        injections,
        service,
    ):  # before /claims/{claim_id} comes /claims/stream
        app.include_router(module.router)
        app.include_router(module.router, prefix="/v1", include_in_schema=False)
    page = files("claims_sim.api") / "page"
    app.mount("/page", StaticFiles(directory=str(page)), name="page")

    @app.get("/", include_in_schema=False)
    def live_page() -> FileResponse:
        headers = {
            "cache-control": "no-cache",
            "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
            "x-content-type-options": "nosniff",
        }
        return FileResponse(str(page / "index.html"), headers=headers)

    is_local = settings.api_host in LOOPBACK
    app.add_middleware(
        Guard,
        hosts=LOOPBACK if is_local else frozenset(),
        key=settings.api_key.get_secret_value(),
        rate=settings.api_rate,
    )
    origins = [origin.strip() for origin in settings.api_cors.split(",") if origin.strip()]
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["content-type", "x-api-key", "authorization", "last-event-id"],
            expose_headers=["etag", "location", "retry-after"],
        )
    return app
