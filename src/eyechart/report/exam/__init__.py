"""The eye test in the report: the chart with its acuity line, the curves, and who reads further in words.

chart      rows of test images as an optician prints them, what each contender read
curves     share read right by row, with the fitted curve
words      levels and verdicts as text
section    all of it under one heading
"""
