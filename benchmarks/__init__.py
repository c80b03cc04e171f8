"""Benchmarks: eyechart against peers that anyone can install, both measured in turns in the same run.

    python -m benchmarks                        all that are not in records/bench.json yet for this commit
    python -m benchmarks cnn_to_99 mfu_cnn      these, whatever is there
    python -m benchmarks --list                 their names and claims
    python -m benchmarks --tiny --output /tmp/bench.json    a few images each: whether the code works

harness      two processes in turns, and the spread of their ratio
side         such a process
workload     our side: eyechart's own loop on a contender, timed
products     the products of a step by themselves
to_accuracy  our side where a goal is to be reached: whole runs, as `eyechart run` does them
record       records/bench.json
catalog      every benchmark by name
cnn, vit, finetune, detector, detector_map, mfu, loop_overhead, startup, serving, many_runs, growth    by family
peers/       what they are measured against; needs the extras dev and bench

All of it runs on the CPU.  Times are those of one machine: only ratios travel, and only roughly.
"""
