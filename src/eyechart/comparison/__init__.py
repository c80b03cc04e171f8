"""What can be said of runs that are compared: how sure, which is better.  Reads records; never imports torch."""
