"""Where the engines meet. Their `dvc` and `python` are those of the environment of this process."""

import os
import sys
from pathlib import Path

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
