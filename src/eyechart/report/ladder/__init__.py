"""The ladder of `eyechart study vit-ladder`: its figure, its tables, and what they answer."""
