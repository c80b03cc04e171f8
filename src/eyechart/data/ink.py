"""How much of an image's largest contrast counts as ink: one figure for boxes around digits and for cutting out."""

INK_SHARE = 0.3  # keeps the grey rim of MNIST's strokes out and its faint connecting lines in
