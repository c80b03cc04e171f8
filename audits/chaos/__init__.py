"""Chaos: what kills, faults and damaged checkpoints leave of a run.  Reliability is counted, not claimed.

    python -m audits.chaos                      all of it, into records/reliability.json; goes on where it stopped
    python -m audits.chaos kills --kills 20     a part of it
    python -m audits.chaos checkpoint_mutations --mutations 100 --output /tmp/reliability.json

tiny        five contenders small enough to train in a second, and what must not depend on what happened to them
fault       what happens, and when: a kill, a full disk, an I/O error, no memory
victim      a worker like any other, but that it happens to
attempts    a victim from outside: start it, see how it ended
kills       kill -9 anywhere, a part of them inside the write of a checkpoint; then --resume
faults      disks and memory that refuse, signals; then --resume
mutations   bits flipped, ends cut off: every damaged checkpoint must be found
tally       what was tried and how often it failed, on the disk

A kill or a fault counts as failed when the run, gone on with, differs in a bit from the run that nothing happened to:
weights, predictions, history, scores; or when a half-written file is left, or nothing was said.
"""
