"""Frames and what the user asked for, turned into columns, rows and text. No Textual here."""
