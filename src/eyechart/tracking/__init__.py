"""Runs for the tools that people watch trainings with: what is on the disk, written once more in their form."""
