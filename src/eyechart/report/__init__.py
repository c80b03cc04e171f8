"""From runs on disk to one HTML file and its synthesis.  Reads records and predictions; never imports torch.

page         write_report: the order of the sections; the .html files beside it are its templates
speech       English or French: every sentence stands in both, side by side, `say(english, french)`
entries      the runs of one contender together: what the table and every figure draw from
compared, pairs    the comparison of the runs, its verdicts in words, looked up by two contenders
answer       the question, and the answer with how sure it is, by the verdicts
notices      what speaks against believing a number
numbers, metrics, fields    how numbers, leads in a metric and the fields of records are written
leaderboard  the two tables
matrix       who beats whom, by how much, how sure
synthesis    the whole in plain sentences, also as Markdown
charts, axes, glyphs    what all figures share: size, colours, files, scales, marks
intervals, tradeoff, learning, tuning, classes    the figures
timing, calibration, label_errors    whether times, certainty and labels can be believed
disagreement the test images that divide the contenders
provenance   how each run was made
"""
