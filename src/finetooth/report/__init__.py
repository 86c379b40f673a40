"""What others see of a run: one HTML page, a model card, a leaderboard."""
