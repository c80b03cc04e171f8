"""Studies: planned, kept in a folder, settled on a machine, run, repeated."""
