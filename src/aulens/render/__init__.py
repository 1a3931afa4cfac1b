"""Rendered faces with exact AUs: `generate.generate` writes a data set, `sheet.contact_sheet` shows one."""
