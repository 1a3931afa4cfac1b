"""The families of models: one file each, one object each, entered in `aulens.models.family.MODELS`."""
