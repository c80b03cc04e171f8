"""What contenders looked at, drawn and told: for `eyechart explain`, and on the report's most disputed images.

seen        what is known of one image: maps, answers, checks
overlay     a map and its image as one picture
words       methods, reasons and checks as text
figure      contenders below each other, methods side by side
inner       the heads of a Vision Transformer, the regions of a detector
section     all of it under one heading of the report
"""
