"""Continuous shapes and the pixels that they touch, exactly. It needs shapely; it is imported when a shape is read."""
