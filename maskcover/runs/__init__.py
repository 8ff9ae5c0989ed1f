"""Runs over data sets: for now, reading the images; resumable runs are to come."""
