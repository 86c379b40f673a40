"""From a table of diagnoses and a policy to a better data set: every drop with its reason."""
