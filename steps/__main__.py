"""``python -m steps MODULE …``: a module as a fork of the warm process, where there is one."""

import runpy
import sys

from steps.making.warm import SERVE, delegate, serve

if sys.argv[1] == SERVE:
    serve(int(sys.argv[2]), sys.argv[3])
else:
    sys.argv = sys.argv[1:]
    delegate(sys.argv[0], sys.argv[1:])
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
