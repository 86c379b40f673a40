"""From predictions to scores that can be believed: intervals, floors, slices, ablations."""
