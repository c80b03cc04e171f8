"""Which address gives what: the page, the study, answers, the gallery, the report."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from eyechart.files.storage import REPORT_FILE
from eyechart.serve.answers import Gallery, PictureAnswers, PictureMaps, Reading, StudyCard
from eyechart.serve.card import study_card
from eyechart.serve.gallery import hardest
from eyechart.serve.gate import Access, Gate
from eyechart.serve.limits import Limits
from eyechart.serve.looked import Looker
from eyechart.serve.reading import Reader
from eyechart.serve.refusals import Refused
from eyechart.serve.report_files import KINDS, has_report, report_files
from eyechart.serve.uploads import picture_of
from eyechart.serve.worker import Worker

PAGE = Path(__file__).parent / "page"
PAGE_KINDS = {".svg": "image/svg+xml", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
ReadingQuery = Annotated[Reading, Query(description="one thing, or a line of them")]
RawQuery = Annotated[bool, Query(description="as it comes: not prepared, and a class is named anyway; of reading=one")]
StepsQuery = Annotated[bool, Query(description="how the picture was prepared, too; of reading=one")]
PIXELS = {"type": "object", "required": ["width", "height", "pixels"], "properties": {
    "width": {"type": "integer"}, "height": {"type": "integer"},
    "pixels": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}},
}}  # fmt: skip
BODY = {"requestBody": {"required": True, "content": {
    "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {
        "file": {"type": "string", "format": "binary"},
    }}},
    "image/*": {"schema": {"type": "string", "format": "binary"}},
    "application/json": {"schema": {"oneOf": [
        PIXELS, {"type": "object", "required": ["image"], "properties": {"image": {"type": "string"}}},
    ]}},
    "text/plain": {"schema": {"type": "string", "description": "a data URL"}},
}}}  # fmt: skip
REFUSAL = {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "empty, truncated or damaged", "content": REFUSAL},
    408: {"description": "the body came too slowly", "content": REFUSAL},
    413: {"description": "too many bytes or pixels", "content": REFUSAL},
    415: {"description": "no picture", "content": REFUSAL},
    422: {"description": "a value that cannot be", "content": REFUSAL},
    429: {"description": "too many requests; Retry-After says when to come again", "content": REFUSAL},
}


def build_app(reader: Reader, study: Path, runs: list[Path], access: Access, limits: Limits) -> FastAPI:
    """The whole application; `runs` are the folders of those who answer, in the panel's order."""
    worker = Worker(limits.waiting, limits.answer_seconds)
    looking = Worker(limits.looking, limits.looking_seconds)  # a thread of its own: maps never come before answers

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        worker.close()
        looking.close()
        reader.close()

    app = FastAPI(
        title=f"eyechart: {study.name}",
        version=version("eyechart"),
        docs_url=None,  # its page loads from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(Gate, access=access, limits=limits)
    app.add_exception_handler(HTTPException, _as_json)
    app.add_exception_handler(RequestValidationError, _as_json)
    _add_answers(app, reader, worker, study, runs, limits)
    _add_maps(app, Looker(reader), looking, limits)
    _add_files(app, study)
    return app


def _add_answers(app: FastAPI, reader: Reader, worker: Worker, study: Path, runs: list[Path], limits: Limits) -> None:
    galleries: list[Gallery] = []  # made when somebody first asks

    @app.get("/api/study")
    def study_of_this_page() -> StudyCard:
        """Who answers, and for what."""
        return study_card(
            reader.panel,
            study.name,
            limits,
            report="/report/" if has_report(study) else None,
            api="openapi.json",
            has_maps=True,
        )

    @app.post("/api/predict", responses=REFUSALS, openapi_extra=BODY)
    async def predict(
        request: Request,
        reading: ReadingQuery = "one",
        raw: RawQuery = False,
        steps: StepsQuery = False,
    ) -> PictureAnswers:
        """What every contender says of a picture."""
        content = await picture_of(request, limits)
        if reading not in reader.readings():
            raise Refused(422, f"reading={reading} is not to be had of this study; expected {reader.readings()[0]}.")
        if reading == "line" and (raw or steps):
            raise Refused(422, "raw and steps are of reading=one; leave them out, or leave reading=line out.")
        if reading == "line":
            return await worker.run(lambda: reader.line(content()))
        return await worker.run(lambda: reader.one(content(), raw=raw, with_steps=steps))

    @app.get("/api/gallery")
    async def gallery() -> Gallery:
        """The test images that cost the contenders most."""
        if not galleries:
            galleries.append(await worker.run(lambda: hardest(runs)))
        return galleries[0]


def _add_maps(app: FastAPI, looker: Looker, looking: Worker, limits: Limits) -> None:
    @app.post("/api/looked", responses=REFUSALS, openapi_extra=BODY)
    async def looked(request: Request) -> PictureMaps:
        """Where every contender looked on a picture of one thing."""
        content = await picture_of(request, limits)
        if not looker.has_maps:
            raise Refused(422, "This study finds boxes on scenes; its boxes say where its contenders looked.")
        return await looking.run(lambda: looker.maps(content()))


def _add_files(app: FastAPI, study: Path) -> None:
    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return FileResponse(PAGE / "index.html", media_type="text/html; charset=utf-8")

    @app.get("/page/{name}", include_in_schema=False)
    def page_part(name: str) -> Response:
        parts = {path.name: path for path in PAGE.iterdir() if path.suffix in PAGE_KINDS}
        if name not in parts:
            raise Refused(404, f"There is no {name[:80]!r} here.")
        return FileResponse(parts[name], media_type=PAGE_KINDS[parts[name].suffix])

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        """Of the report, which names none."""
        return FileResponse(PAGE / "icon.svg", media_type=PAGE_KINDS[".svg"])

    @app.get("/report", include_in_schema=False)
    def report() -> Response:
        return RedirectResponse("/report/", 307)  # so that the page's links lead to what lies beside it

    @app.get("/report/{name:path}")
    def report_file(name: str) -> Response:
        """The study's report, its figures, and the records of its runs."""
        found = report_files(study)
        if REPORT_FILE not in found:
            raise Refused(404, f"The study has no report yet. Write it with: eyechart report {study.name}")
        if name not in found:
            raise Refused(404, f"The report has no {name[:80]!r}.")
        return FileResponse(found[name], media_type=KINDS[found[name].suffix])


async def _as_json(_: Request, error: Exception) -> Response:
    """Whatever was refused, as one sentence."""
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        return JSONResponse({"error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}."}, 422)
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, dict(error.headers or {}))
