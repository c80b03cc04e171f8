"""What everything stands on: errors, clocks, seeds, the machine, text from outside, processes of our own."""
