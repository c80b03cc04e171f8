"""Fifteen ways to spoil a picture and leave it readable, after MNIST-C: table.py names them, apply.py uses them."""
