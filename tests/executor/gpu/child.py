"""Asks the management library what it is told to on standard input, for tests of another process.

NVML is loaded once a process, so that the library in its place must be there from the start.
"""

import base64
import pickle
import sys

from executor.gpu.devices import Nvml


def main() -> None:
    try:
        with Nvml() as nvml:
            _say("open")
            for line in sys.stdin:
                name, arguments = pickle.loads(base64.b64decode(line))
                try:
                    _say(getattr(nvml, name)(*arguments))
                except Exception as error:
                    _say(error)
    except Exception as error:
        _say(error)


def _say(value: object) -> None:
    sys.stdout.write(f"{base64.b64encode(pickle.dumps(value)).decode()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
