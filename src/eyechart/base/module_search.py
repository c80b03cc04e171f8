"""Where modules are looked for, without the current folder.

Imports nothing but what Python has loaded when it starts: a `select.py` that lies there must not come before us.
"""

import os
import sys

OURS = os.path.realpath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))  # the folder of our package


def search_path() -> list[str]:
    """Where modules are looked for: as here, without the current folder, which Python puts first by itself.

    It stays where the user's PYTHONPATH names it, or where this package itself lies.
    """
    wanted = {os.path.realpath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder}
    here = _current_folder()
    keeps_here = here in (OURS, *wanted)
    return [folder for folder in sys.path if folder and (keeps_here or os.path.realpath(folder) != here)]


def _current_folder() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it was removed, so nothing can be imported from it
        return ""
