"""From a finished run to answers for pictures that it never saw."""
