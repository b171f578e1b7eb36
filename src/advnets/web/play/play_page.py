"""The page itself: a WebSocket for each viewer, and one thread in which all games are played."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import torch
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from advnets.errors import AdvnetsError
from advnets.studies.playground import Playground, Settings
from advnets.web.json_text import json_text
from advnets.web.page import Page
from advnets.web.play.session import FRAME_SECONDS, Answer, Session

MOST_VIEWERS = 8
"""Pages that may be open at once; each has games of its own in memory."""
WAITING = 64
"""Messages of one page that may wait to be answered."""
AHEAD = 2
"""Pictures that may be on their way to a page while it has not drawn them."""
SEEN = '{"do":"seen"}'


def play_page() -> Page:
    """Return the page of the playground.

    Returns:
        The page; its games end with it.
    """
    viewers = _Viewers()
    return Page(index="play.html", routes=[WebSocketRoute("/api/play", viewers.serve)], close=viewers.close)


class _Viewers:
    """All open pages. Torch has one default generator, so one thread plays for them in turn."""

    def __init__(self) -> None:
        self.count = 0
        # Networks this small are slower on two cores than on one, and hundreds of times so beside other programs.
        self.worker = ThreadPoolExecutor(1, "games", initializer=torch.set_num_threads, initargs=(1,))
        self.worker.submit(Playground, Settings())  # torch's optimizers import for a second: while the browser opens

    def close(self) -> None:
        """End the thread; what it does now is waited for."""
        self.worker.shutdown(cancel_futures=True)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one page until it leaves."""
        await socket.accept()
        if self.count >= MOST_VIEWERS:
            await socket.send_text(
                json_text({"is": "error", "text": f"{MOST_VIEWERS} pages are open; close one first"})
            )
            await socket.close(1013)
            return
        self.count += 1
        viewer = _Viewer(socket, self.worker)
        listens = asyncio.create_task(viewer.listen())
        try:
            await viewer.serve()
        except (
            WebSocketDisconnect,
            TimeoutError,
            RuntimeError,
        ):  # RuntimeError: starlette's, after the other side left
            pass
        finally:
            listens.cancel()
            self.count -= 1


class _Viewer:
    def __init__(self, socket: WebSocket, worker: ThreadPoolExecutor) -> None:
        self.socket, self.worker, self.session = socket, worker, Session()
        self.asked: asyncio.Queue[str | None] = asyncio.Queue(WAITING)
        self.ahead = 0
        self.heard = asyncio.Event()

    async def listen(self) -> None:
        """Queue what the page asks for; None once it has left."""
        try:
            while True:
                text = await self.socket.receive_text()
                if text == SEEN:
                    self.ahead = max(0, self.ahead - 1)
                else:
                    await self.asked.put(text)
                self.heard.set()
        except (WebSocketDisconnect, KeyError, RuntimeError):
            await self.asked.put(None)
            self.heard.set()

    async def serve(self) -> None:
        """Answer what was asked for; play on in between."""
        while True:
            begins = monotonic()
            if not self.session.is_playing or not self.asked.empty():
                text = await self.asked.get()
                if text is None:
                    return
                await self._tell(lambda text=text: self.session.answer(text))  # type: ignore[misc]
                continue
            if self.ahead >= AHEAD:
                await self._wait_for_page()
                continue
            if await self._tell(self._advance):
                self.ahead += 1
            await asyncio.sleep(max(0.0, FRAME_SECONDS - (monotonic() - begins)) if self.session.link.speed else 0)

    def _advance(self) -> list[Answer]:
        picture = self.session.advance(lambda: not self.asked.empty())
        return [] if picture is None else [picture]

    async def _wait_for_page(self) -> None:
        """Wait until the page has drawn a picture, or asks for something."""
        self.heard.clear()
        await self.heard.wait()

    async def _tell(self, deed: Callable[[], list[Answer]]) -> int:
        """Do it in the games' thread, and send what it answers; return how many messages these were."""
        loop = asyncio.get_running_loop()
        try:
            texts: list[str] = await loop.run_in_executor(self.worker, lambda: [_as_text(one) for one in deed()])
        except AdvnetsError as error:
            state: Any = self.session._state() if self.session.games else {"is": "none"}
            texts = [json_text({"is": "error", "text": str(error)}), json_text(state)]
        for text in texts:
            await self.socket.send_text(text)
        return len(texts)


def _as_text(answer: Answer) -> str:
    return json_text({"is": "replay", "html": answer} if isinstance(answer, str) else answer)
