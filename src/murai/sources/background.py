"""A blocking iterator read in a thread of its own, so that whoever waits for it can be woken."""

import threading
from collections.abc import Generator
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Draws items from a generator, one ahead of whoever calls `get`.

    FFmpeg offers no way to wake a thread that waits inside it for a camera or a server. So that thread is this one,
    and nobody waits for it: `close` returns at once or within half a second, and the thread ends by itself when
    FFmpeg returns. A generator that yields None says "nothing yet, still alive". It is closed in its own thread.
    """

    def __init__(self, items: Generator[T | None, None, None], *, name: str) -> None:
        self._items = items
        self._changed = threading.Condition()
        self._slot: T | None = None
        self._error: Exception | None = None
        self._ended = False
        self._closed = False
        # A daemon, because the interpreter must be able to exit while a device hangs.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def get(self, timeout: float) -> T | None:
        """The next item; None at the end and after `close`.

        Raises TimeoutError after `timeout` seconds without one, and whatever error ended the generator, once.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._slot is not None or self._ended or self._closed, timeout):
                raise TimeoutError
            item, self._slot = self._slot, None
            self._changed.notify_all()
            if item is None and self._error is not None and not self._closed:
                error, self._error = self._error, None
                raise error
            return item

    def close(self) -> None:
        """Wake everybody and end, from any thread."""
        with self._changed:
            self._closed = True
            self._slot = None
            self._changed.notify_all()
        self._thread.join(0.5)

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._hand_over(item):
                    break
        except Exception as error:  # handed to the thread that waits
            self._error = error
        finally:
            self._items.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _hand_over(self, item: T | None) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._slot is None or self._closed)
            if not self._closed:
                self._slot = item
                self._changed.notify_all()
            return not self._closed
