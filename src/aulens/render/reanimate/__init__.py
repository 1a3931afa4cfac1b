"""Portraits whose faces are moved: the texture is a picture's own, the Action Units are the rig's."""
