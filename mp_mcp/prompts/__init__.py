"""Prompts: requests that a person can send to an agent by their name."""
