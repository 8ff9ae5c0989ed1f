"""Continuous shapes and the pixels that they touch, exactly. It needs shapely, and is imported when a shape is read."""
