"""What can be chosen, a table each: recipes, presets, search spaces, colours, disputed labels."""
