"""One thread that draws for all viewers, with a short queue."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from advnets.errors import InUse

LONGEST_QUEUE = 8
"""Drawings that wait at most; further ones are refused."""

Result = TypeVar("Result")


class Worker:
    """One thread, so that watching never takes more than one processor, and a queue that cannot grow."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="explorer")
        self._places = threading.BoundedSemaphore(LONGEST_QUEUE)

    def work(self, task: Callable[[], Result]) -> Result:
        """Do a task in the thread, and wait for its result.

        Args:
            task: The task.

        Returns:
            What it returns.

        Raises:
            InUse: If the queue is full.
        """
        if not self._places.acquire(blocking=False):
            raise InUse(f"{LONGEST_QUEUE} drawings wait already. Try again in a moment.")
        try:
            return self._pool.submit(task).result()
        finally:
            self._places.release()

    def close(self) -> None:
        """Let go of what waits; what is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
