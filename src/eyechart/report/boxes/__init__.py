"""The sections of a report on scenes: how well boxes are found and named.

found     what was found by one run of each contender, read and judged once
table     COCO's figures with intervals, and what they took
losses    what the training loss is the sum of
curves    precision against recall
mistakes  what is wrong, what it costs, and how many objects were counted
classes   average precision of each class
hardest   the scenes with the most mistakes, with every contender's boxes
opening   the question, and the answer
"""
