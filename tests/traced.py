"""Put on a step's path as ``sitecustomize``: notes which functions of the project the step runs.

They lie as ``file line`` in the folder TRACED, in a file of the stage's name.
"""

import os
import sys
import threading
from pathlib import Path

COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")  # a function holds them
FUNCTION = 0x1  # CO_OPTIMIZED: of a function's code, not of a class's or a module's
HERE = os.getcwd() + "/"
STAGE = os.environ.get("DVC_STAGE", "").rpartition(":")[2]
seen = set()


def note(frame, event, _argument):
    code = frame.f_code
    function = code.co_flags & FUNCTION and code.co_name not in COMPREHENSIONS
    if event == "call" and function:
        seen.add(code)


def leave(status, end=os._exit):
    sys.setprofile(None)
    own = {
        f"{code.co_filename.removeprefix(HERE)} {code.co_firstlineno}"
        for code in seen
        if code.co_filename.endswith(".py")  # pages are in fingerprints by their bytes
        and code.co_filename.startswith((HERE + "artifact_units", HERE + "steps", HERE + "demo"))
    }
    Path(os.environ["TRACED"], STAGE).write_text("\n".join(sorted(own)))
    end(status)


if STAGE and "steps." in " ".join(sys.orig_argv):
    os._exit = leave
    threading.setprofile(note)
    sys.setprofile(note)
