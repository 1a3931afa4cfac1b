"""Exported models without torch: their cards, what runs them, what they say of a face."""
