"""From runs on disk to one HTML file.  Reads records and predictions; never imports torch.

page         write_report: the order of the sections
entries      the runs of one contender together: what the table and every figure draw from
answer       the question, the answer with how sure it is, and what to know before trusting it
numbers      how numbers are written
leaderboard  the two tables
charts       what all figures share: size, colours, files; themed_svg makes them follow light and dark
tradeoff, learning, classes    the figures
disagreement the test images that divide the contenders
provenance   how each run was made
"""
