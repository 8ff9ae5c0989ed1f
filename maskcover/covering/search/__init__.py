"""Searches for fewer masks and for lower bounds of their number, on boxes and placements alone."""
