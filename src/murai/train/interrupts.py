"""Ctrl-C in the middle of work that should not be left half done."""

import signal
import threading
from typing import Any, Self


class Interrupts:
    """Ctrl-C and SIGTERM, noted inside `with` in `came`; a second one does at once what it did before.

    Only the main thread hears signals: elsewhere nothing is held. A signal that was ignored stays ignored.
    """

    def __init__(self) -> None:
        self.came = False
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            both = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
            self._former = {k: v for k, v in both.items() if v not in (signal.SIG_IGN, None)}
        for number in self._former:
            signal.signal(number, self._hear)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._give_back()
        if error is None and self.came:
            raise KeyboardInterrupt

    def _hear(self, *_: object) -> None:
        self.came = True
        self._give_back()

    def _give_back(self) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
