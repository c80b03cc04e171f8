"""Which letters and symbols `glyphs` shows; digits are none of them, so that what is learned there is no answer."""

from __future__ import annotations

import string

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "zeta": "ζ", "theta": "θ", "lambda": "λ", "mu": "μ",
    "xi": "ξ", "pi": "π", "sigma": "σ", "phi": "φ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
LETTERS = (*string.ascii_uppercase, *"abdefghnqrt")  # of the small ones those that are no small copy of a capital
SYMBOLS = {
    "ampersand": "&", "number sign": "#", "per cent": "%", "question mark": "?", "plus": "+", "asterisk": "*",
    "dollar": "$", "equals": "=", "at": "@", "exclamation mark": "!",
}  # fmt: skip
SIGNS = {**{letter: letter for letter in LETTERS}, **GREEK, **SYMBOLS}  # class -> what is drawn
CLASSES = tuple(SIGNS)
