"""`python -m eyechart` is the same as `eyechart`: the current folder is no place for modules."""

import sys

from eyechart.base.module_search import search_path

sys.path[:] = search_path()

from eyechart.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
