"""A command line that is a copy of the template's process: `python -S copied.py SOCKET WORD ...`.

It hands its standard streams, folder, environment and words over to the template, which copies itself for it, and ends
with the status of the copy. So a shell may call it as it calls the real one, a hundred times a minute.
"""

import json
import os
import socket
import sys
from pathlib import Path


def main() -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(sys.argv[1])
        told = {"words": sys.argv[2:], "folder": str(Path.cwd()), "environment": dict(os.environ)}
        socket.send_fds(line, [b"f"], [0, 1, 2])
        with line.makefile("rwb") as stream:
            stream.write(json.dumps(told).encode() + b"\n")
            stream.flush()
            sys.exit(int(stream.readline()))


main()
