"""The processes of the laptop: the API, worker and scanner with their pollers, the ticks, and the WebSocket gateway.

    python -m services.local.processes api|worker|scanner|sockets PIPE

Each ends when its standard input closes, so that none outlives a parent that was killed.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from argus.container import Container
from argus.core.functions import FUNCTIONS, SCANNER, WORKER
from services.local.sqs_poller import Handler, SqsPoller

TICK_SECONDS = 5.0  # EventBridge ticks every minute; nobody waits that long at a desk
HOST = "127.0.0.1"

_log = logging.getLogger("argus.local")


def api(stop: threading.Event) -> None:
    """The API behind werkzeug's server, until stopped."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from services.api.main import app

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: Any) -> None:
            """The application logs its requests itself."""

    server = make_server(HOST, int(os.environ["ARGUS_PORT"]), app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _tell_ready()
    stop.wait()
    server.shutdown()


def worker(stop: threading.Event) -> None:
    """The worker behind its queues, and the scheduler behind the clock, until stopped."""
    from services.scheduler import main as scheduler
    from services.worker import main as work

    tick = partial(_tick, stop, lambda: scheduler.handler(scheduler.TICK, None))
    _take_turns(stop, [*_turns(work.container(), work.handler, "uploads", FUNCTIONS[WORKER].queue), tick])


def scanner(stop: threading.Event) -> None:
    """The scanner behind its queue, until stopped."""
    from services.scanner import main as scan

    _take_turns(stop, list(_turns(scan.container(), scan.handler, FUNCTIONS[SCANNER].queue)))


def sockets(stop: threading.Event) -> None:
    """The gateway of WebSockets with the function behind it, until stopped."""
    from services.local.sockets import Sockets
    from services.realtime.main import container, handler

    container()
    with Sockets.start(handler, port=int(os.environ["ARGUS_SOCKET_PORT"])):
        _tell_ready()
        stop.wait()


def _turns(container: Container, handler: Handler, *queues: str) -> Iterator[Callable[[], object]]:
    """For each queue what takes the next batch from it."""
    settings, sqs = container.settings, container.aws.client("sqs")
    for queue in queues:
        arn = f"arn:aws:sqs:{settings.region}:{settings.account_id}:argus-{settings.stage}-{queue}"
        yield partial(SqsPoller(sqs, settings.queue_url(queue), arn, handler).turn, wait_seconds=1)


def _take_turns(stop: threading.Event, turns: Sequence[Callable[[], object]]) -> None:
    """Each in a thread of its own, again and again, until stopped."""
    threads = [threading.Thread(target=_until, args=(stop, turn)) for turn in turns]
    for thread in threads:
        thread.start()
    _tell_ready()
    for thread in threads:
        thread.join()


def _tick(stop: threading.Event, tick: Callable[[], object]) -> None:
    if not stop.wait(TICK_SECONDS):
        tick()


def _until(stop: threading.Event, turn: Callable[[], object]) -> None:
    while not stop.is_set():
        try:
            turn()
        except Exception:
            _log.exception("a turn failed; going on")
            stop.wait(1)


def _follow_parent(stop: threading.Event) -> None:
    """Wait for the end of standard input; unbuffered, as a lock held here would disturb the interpreter's end."""
    while os.read(0, 1024):
        pass
    stop.set()


def _tell_ready() -> None:
    """The parent waits for this at the pipe it named."""
    os.write(int(sys.argv[2]), b"1")


def main(name: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_follow_parent, args=(stop,), daemon=True).start()
    {"api": api, "worker": worker, "scanner": scanner, "sockets": sockets}[name](stop)


if __name__ == "__main__":
    main(sys.argv[1])
