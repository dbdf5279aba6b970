"""The queue between two threads of the pipeline."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Generic, Literal, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """The mailbox is closed: nothing goes in, and all that was in it is out. Never leaves the pipeline."""


class Mailbox(Generic[T]):
    """A bounded queue between two threads. Full, it lets `put` wait ("all") or forgets its oldest item ("latest").

    forgotten   items that went in, or came too late, and will never come out
    """

    def __init__(self, size: int, keep: Literal["all", "latest"] = "all") -> None:
        if size < 1:
            raise ValueError("a mailbox needs a place")
        self._size, self._keep = size, keep
        self._items: deque[T] = deque()
        self._closed = False
        self._changed = threading.Condition()
        self.forgotten = 0

    def put(self, item: T) -> None:
        """Hand over one item. Raises Closed, also when the mailbox closes while this waits for a place."""
        with self._changed:
            if self._keep == "all":
                self._changed.wait_for(lambda: self._closed or len(self._items) < self._size)
            if self._closed:
                self.forgotten += 1
                raise Closed
            if len(self._items) == self._size:
                self._items.popleft()
                self.forgotten += 1
            self._items.append(item)
            self._changed.notify_all()

    def get(self) -> T:
        """The oldest item; waits for one. Raises Closed once the mailbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._items)
            if not self._items:
                raise Closed
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def __iter__(self) -> Iterator[T]:
        with suppress(Closed):
            while True:
                yield self.get()

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    def close(self) -> None:
        """Take nothing more; what is inside can still be got."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abort(self) -> None:
        """Close, and forget what is inside."""
        with self._changed:
            self.forgotten += len(self._items)
            self._items.clear()
            self.close()
