"""The page that watches a folder of runs, with its routes."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from advnets.errors import AdvnetsError, BadInput
from advnets.experiment.exploration import (
    Exploration,
    LatentExplorer,
    describe_latents,
    picture_bytes,
    translate_upload,
)
from advnets.experiment.sampling import Samples
from advnets.web.json_text import json_response, read_json_body
from advnets.web.page import Page
from advnets.web.watch.answers import (
    compare_settings,
    describe_run,
    journal_columns,
    list_findings,
    preview_bytes,
)
from advnets.web.watch.folder import WatchedFolder, name_of
from advnets.web.watch.worker import Worker

Answer = TypeVar("Answer")

MOST_COMPARED = 8
"""Runs side by side, at most."""
MOST_OPEN = 4
"""Models that are held in memory, at most."""


def watch_page(root: Path) -> Page:
    """Return the page that watches a folder; it reads files, and never writes one.

    Args:
        root: A folder of runs, or one run.

    Returns:
        The page.
    """
    watch = _Watch(WatchedFolder(root))
    routes = [
        Route("/api/runs", watch.list_runs),
        Route("/api/run/{key}", watch.describe),
        Route("/api/journal/{key}", watch.journal),
        Route("/api/findings/{key}", watch.findings),
        Route("/api/preview/{key}/{step:int}", watch.preview),
        Route("/api/differences", watch.differences),
        Route("/api/latents/{key}", watch.latents),
        Route("/api/explore/{key}", watch.explore, methods=["POST"]),
        Route("/api/upload/{key}/translate", watch.translate, methods=["POST"]),
    ]
    return Page("watch.html", routes, uploads=frozenset({"translate"}), close=watch.worker.close)


class _Watch:
    """What the routes answer; those that are no coroutines run in threads, so that a slow disk holds nobody up."""

    def __init__(self, folder: WatchedFolder) -> None:
        self.folder, self.worker = folder, Worker()
        self._explorers: dict[Path, LatentExplorer] = {}

    def list_runs(self, request: Request) -> Response:
        """The runs of the folder."""
        return json_response({"root": name_of(self.folder.root, self.folder.root), "runs": self.folder.list()})

    def describe(self, request: Request) -> Response:
        """All that the files of a run say but for its lines."""
        return json_response(self._about(request, describe_run))

    def journal(self, request: Request) -> Response:
        """The lines of a journal behind the cursor `after`."""
        after = request.query_params.get("after", "")
        return json_response(self._about(request, partial(journal_columns, cursor=after)))

    def findings(self, request: Request) -> Response:
        """The findings behind the cursor `after`."""
        after = request.query_params.get("after", "")
        return json_response(self._about(request, partial(list_findings, cursor=after)))

    def preview(self, request: Request) -> Response:
        """The picture of a step."""
        step: int = request.path_params["step"]
        return _png(self._about(request, partial(preview_bytes, step=step)))

    def differences(self, request: Request) -> Response:
        """What differs between the runs `keys`, parted by dots."""
        keys = request.query_params.get("keys", "").split(".")
        if not 2 <= len(keys) <= MOST_COMPARED:
            raise BadInput(f"found {len(keys)} runs to compare; expected 2 to {MOST_COMPARED}")
        return json_response(compare_settings({key: self.folder.path(key) for key in keys}))

    def latents(self, request: Request) -> Response:
        """What can be moved in the generator of the newest checkpoint, or why nothing can."""
        path = self.folder.path(request.path_params["key"])
        try:
            return json_response(self.worker.work(lambda: describe_latents(self._explorer(path).model())))
        except AdvnetsError as error:  # a run that has no checkpoint yet, or networks of its own
            return json_response({"reason": str(error)})

    async def explore(self, request: Request) -> Response:
        """The samples of a place in the latents."""
        place = Exploration.from_json(await read_json_body(request))
        return await self._draw(request, lambda explorer: explorer.draw(place))

    async def translate(self, request: Request) -> Response:
        """The translation of an image that is uploaded."""
        content, seed = await request.body(), _seed(request.query_params)
        way = request.query_params.get("way") or None
        return await self._draw(request, lambda explorer: translate_upload(explorer.model(way), content, seed))

    async def _draw(self, request: Request, draw: Callable[[LatentExplorer], Samples]) -> Response:
        path = await run_in_threadpool(self.folder.path, request.path_params["key"])
        task = partial(self.worker.work, lambda: picture_bytes(draw(self._explorer(path))))
        return _png(await run_in_threadpool(task))

    def _explorer(self, path: Path) -> LatentExplorer:
        """The explorer of a path; it is asked for in the worker's thread alone."""
        found = self._explorers.pop(path, None) or LatentExplorer(path)
        while len(self._explorers) >= MOST_OPEN:
            self._explorers.pop(next(iter(self._explorers)))
        self._explorers[path] = found
        return found

    def _about(self, request: Request, ask: Callable[[Path], Answer]) -> Answer:
        path = self.folder.path(request.path_params["key"])
        if path.suffix == ".safetensors" and path.is_file():
            raise BadInput(f"{path.name} is a share file, which holds a generator alone; explore its latents")
        return ask(path)


def _png(content: bytes) -> Response:
    return Response(content, media_type="image/png")


def _seed(words: Mapping[str, str]) -> int:
    text = words.get("seed", "0")
    if not (text.isdecimal() and len(text) <= 15):
        raise BadInput(f"seed: found {text[:40]!r}, expected a whole number from 0")
    return int(text)
