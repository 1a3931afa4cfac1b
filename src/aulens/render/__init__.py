"""Rendered faces with exact AUs: `generate` writes a data set, `contact_sheet` shows one."""
