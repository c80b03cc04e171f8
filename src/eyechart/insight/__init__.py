"""What a trained contender looked at: maps over an image that say what spoke for its answer, and whether to trust them.

asked       a trained contender that can be asked: the log-odds of an answer, with a way back to the pixels
pixels      occlusion and integrated gradients, for every contender
grad_cam    Grad-CAM, where a last map of features (or tokens on a grid) can be found
attention   attention rollout and what each head looks at, for our own Vision Transformer
regions     the regions that a detector read, and what it took each of them for
methods     all of them side by side, and why one cannot be asked of a contender
checks      do the maps depend on what was learned, and do they mark what the answer hangs on?
"""
