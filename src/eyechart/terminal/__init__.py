"""What commands print: live tables, leaderboards, verdicts, sheets of runs."""
