"""Equal tuning: every contender gets the same number of trials, or of seconds, judged on validation images only."""
