"""The process that trains: the signals that end it, and the seconds for which it ran.

A signal that ends a process by default can be heard instead, so that what was learnt is saved first. SIGKILL cannot be
heard, and SIGQUIT is left as it is, so that there is always a way to end a process at once.
"""

import _thread
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK", "SIGXCPU", "SIGALRM", "SIGUSR1", "SIGUSR2")
_ALWAYS = ("SIGINT", "SIGTERM")

HAND_ON_SECONDS = 0.05
"""How long a generator may take to be closed."""
TICK_SECONDS = 0.2
"""Seconds between two ticks of a clock."""
LONGEST_TICK_SECONDS = 1.0
"""What a tick counts at most: in a longer one the process was stopped."""


class _Listener:
    """The handler of signals that `hear_signals` installs."""

    def __init__(self, hear: Callable[[int], None]) -> None:
        self.hear = hear
        self.outer: dict[int, object] = {}

    def __call__(self, number: int, frame: object) -> None:
        self.hear(number)
        for announce in tuple(_announcers):
            announce(number)


_announcers: list[Callable[[int], None]] = []
"""What `announce_signals` has called at each signal now."""


def signals_to_hear() -> list[int]:
    """Return the signals that may be heard: those that would end the process.

    SIGINT and SIGTERM are always among them. The others are not if they are ignored, as `nohup` has it, or if the
    program has a handler of its own.
    """
    numbers = {name: getattr(signal, name) for name in _NAMES if hasattr(signal, name)}
    return [number for name, number in numbers.items() if name in _ALWAYS or _would_end(number)]


def _would_end(number: int) -> bool:
    handler = signal.getsignal(number)
    return handler is signal.SIG_DFL or isinstance(handler, _Listener)


@contextlib.contextmanager
def hear_signals(hear: Callable[[int], None]) -> Iterator[None]:
    """Call a function at each signal that would end the process, while the context is open.

    Only the main thread hears signals; in another one nothing is changed.

    Args:
        hear: It is called with the signal's number, in the main thread, between two instructions of Python.

    Yields:
        Nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    listener = _Listener(hear)
    for number in signals_to_hear():
        listener.outer[number] = signal.signal(number, listener)
    try:
        yield
    finally:
        _restore(listener)


@contextlib.contextmanager
def announce_signals(announce: Callable[[int], None]) -> Iterator[None]:
    """Call a function at each signal that is heard and acted on later, while the context is open.

    It comes after the function of `hear_signals`, so that nothing is announced where that one leaves or raises.

    Args:
        announce: It is called with the signal's number, as that of `hear_signals` is. It must neither wait nor raise.

    Yields:
        Nothing.
    """
    _announcers.append(announce)
    try:
        yield
    finally:
        _announcers.remove(announce)


def _restore(listener: _Listener) -> None:
    """Put the former handlers back; a thread that may not do so leaves it to the next signal."""
    if threading.current_thread() is threading.main_thread():
        for number, handler in listener.outer.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
    else:
        listener.hear = lambda number: _restore_and_raise(listener, number)


def _restore_and_raise(listener: _Listener, number: int) -> None:
    _restore(listener)
    signal.raise_signal(number)


def hand_on(number: int) -> None:
    """Let a signal that was heard, and not acted on, reach who listens to it now.

    A handler of Python is called a moment later: Python ignores what it raises while a generator is closed.

    Args:
        number: The signal.
    """
    if callable(signal.getsignal(number)):
        later = threading.Timer(HAND_ON_SECONDS, _thread.interrupt_main, (signal.Signals(number),))
        later.daemon = True
        later.start()
    else:
        signal.raise_signal(number)


def exit_on_signals(code: int | None = None) -> None:
    """Leave at once and without a word at a signal that would end the process.

    Args:
        code: The exit code where all is done but the interpreter's own end; None or 0 for 128 + n at the signal n.
    """
    listener = _Listener(lambda number: os._exit(code or 128 + number))
    for number in signals_to_hear():
        signal.signal(number, listener)
    if code is not None and hasattr(signal, "SIGXCPU"):  # it is sent again each second, and Python lets go of it first
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)


class RunningClock:
    """Counts the seconds for which the process runs, and not those for which it is stopped.

    A process that is stopped (SIGSTOP, Ctrl-Z, a container that is paused) does not tick. So the clock adds up ticks,
    and of a long one it counts LONGEST_TICK_SECONDS only. A thread of its own ticks, however long a step takes. This is
    not the time of the processor, which stands still while a GPU works or another process is waited for.

    Attributes:
        seconds: Seconds that were counted up to the last tick.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Make a clock that counts nothing yet.

        Args:
            now: The time in seconds.
        """
        self._now = now
        self._lock = threading.Lock()
        self._counts = False
        self._ticked_at = now()
        self.seconds = 0.0

    def tick(self) -> float:
        """Count the time since the last tick; return the seconds that were counted in all."""
        with self._lock:
            now = self._now()
            if self._counts:
                self.seconds += min(now - self._ticked_at, LONGEST_TICK_SECONDS)
            self._ticked_at = now
            return self.seconds

    @contextlib.contextmanager
    def count(self) -> Iterator[None]:
        """Count while the context is open."""
        self.tick()
        self._counts = True
        try:
            yield
        finally:
            self.tick()
            self._counts = False

    @contextlib.contextmanager
    def keep_ticking(self) -> Iterator[None]:
        """Let a thread tick while the context is open."""
        end = threading.Event()
        threading.Thread(target=self._tick_until, args=(end,), name="clock", daemon=True).start()
        try:
            yield
        finally:
            end.set()

    def _tick_until(self, end: threading.Event) -> None:
        while not end.wait(TICK_SECONDS):
            self.tick()
