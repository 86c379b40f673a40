"""Metrics as pure functions, one file a family; tasks name the ones they use."""
