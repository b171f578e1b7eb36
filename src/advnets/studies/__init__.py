"""Whole investigations made of games and runs."""
