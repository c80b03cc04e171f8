"""Files and folders: written whole or not at all, named well, locked, cached, replaced."""
