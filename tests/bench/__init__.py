"""Figures, side by side in one run: these machines are noisy, so only ratios mean something."""
