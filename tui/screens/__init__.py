"""Screens compose widgets and own what the user is looking at."""
