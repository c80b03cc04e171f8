"""One run or trial, from its job to its files: ready, planned, trained, judged."""
