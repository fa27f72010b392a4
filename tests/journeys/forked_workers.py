"""Workers that start as fast as a fork: `python -m tests.journeys.forked_workers FOLDER` has imported their code.

A line `start` on standard input starts a worker, which prints its process id and `ready`. A line with the id of a
worker that was killed is answered with `ended` when it is gone.
"""

import os
import sys

from tests.scanning import worker_process


def main(folder: str) -> None:
    for line in sys.stdin:
        if line == "start\n":
            if not os.fork():
                _answer(str(os.getpid()))
                worker_process.main(folder)
        else:
            os.waitpid(int(line), 0)
            _answer("ended")


def _answer(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
