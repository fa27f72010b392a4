"""The processes of the local system: API, worker with the tick, scanner, and WebSocket gateway.

    python -m services.local.processes api|worker|scanner|sockets PIPE

Each exits when its standard input closes, so that none outlives a parent that was killed.
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

TICK_SECONDS = 5.0  # EventBridge ticks every minute, which is too long to wait during development
HOST = "127.0.0.1"

_log = logging.getLogger("argus.local")


def api(stop: threading.Event) -> None:
    """Run the API in werkzeug's server until stopped."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from services.api.main import app

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: Any) -> None:
            """The application logs its own requests."""

    server = make_server(HOST, int(os.environ["ARGUS_PORT"]), app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _signal_ready()
    stop.wait()
    server.shutdown()


def worker(stop: threading.Event) -> None:
    """Run the worker with pollers for its queues, and the scheduler at intervals, until stopped."""
    from services.scheduler import main as scheduler
    from services.worker import main as work

    tick = partial(_tick, stop, lambda: scheduler.handler(scheduler.TICK, None))
    _run_threads(stop, [*_pollers(work.container(), work.handler, "uploads", FUNCTIONS[WORKER].queue), tick])


def scanner(stop: threading.Event) -> None:
    """Run the scanner with a poller for its queue until stopped."""
    from services.scanner import main as scan

    _run_threads(stop, list(_pollers(scan.container(), scan.handler, FUNCTIONS[SCANNER].queue)))


def sockets(stop: threading.Event) -> None:
    """Run the WebSocket gateway with the realtime function until stopped."""
    from services.local.sockets import Sockets
    from services.realtime.main import container, handler

    container()
    with Sockets.start(handler, port=int(os.environ["ARGUS_SOCKET_PORT"])):
        _signal_ready()
        stop.wait()


def _pollers(container: Container, handler: Handler, *queues: str) -> Iterator[Callable[[], object]]:
    """For each queue, a function that polls and handles one batch."""
    settings, sqs = container.settings, container.aws.client("sqs")
    for queue in queues:
        arn = f"arn:aws:sqs:{settings.region}:{settings.account_id}:argus-{settings.stage}-{queue}"
        yield partial(SqsPoller(sqs, settings.queue_url(queue), arn, handler).poll, wait_seconds=1)


def _run_threads(stop: threading.Event, turns: Sequence[Callable[[], object]]) -> None:
    """Run each function repeatedly in its own thread until stopped."""
    threads = [threading.Thread(target=_repeat, args=(stop, turn)) for turn in turns]
    for thread in threads:
        thread.start()
    _signal_ready()
    for thread in threads:
        thread.join()


def _tick(stop: threading.Event, tick: Callable[[], object]) -> None:
    if not stop.wait(TICK_SECONDS):
        tick()


def _repeat(stop: threading.Event, turn: Callable[[], object]) -> None:
    while not stop.is_set():
        try:
            turn()
        except Exception:
            _log.exception("polling failed; retrying")
            stop.wait(1)


def _stop_with_parent(stop: threading.Event) -> None:
    """Wait for the end of standard input. Unbuffered: a lock held here would block the interpreter's shutdown."""
    while os.read(0, 1024):
        pass
    stop.set()


def _signal_ready() -> None:
    """Write to the pipe that the parent waits on."""
    os.write(int(sys.argv[2]), b"1")


def main(name: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole process group; the parent stops this process
    threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    {"api": api, "worker": worker, "scanner": scanner, "sockets": sockets}[name](stop)


if __name__ == "__main__":
    main(sys.argv[1])
