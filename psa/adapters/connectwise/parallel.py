"""Several calls at once, their results in order, and never far ahead of whoever consumes them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Results waiting to be taken, per worker: enough to keep all busy, little enough to bound the memory.
LOOK_AHEAD = 2


def in_order(
    call: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with the result of `call`; the first error stops all, and nothing more is started."""
    left = iter(items)
    ahead: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="connectwise") as pool:

        def start(number: int) -> None:
            # The context goes along: it knows whether a transaction is open.
            ahead.extend((item, pool.submit(copy_context().run, call, item)) for item in islice(left, number))

        try:
            start(workers * LOOK_AHEAD)
            while ahead:
                item, future = ahead.popleft()
                result = future.result()
                start(1)
                yield item, result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
