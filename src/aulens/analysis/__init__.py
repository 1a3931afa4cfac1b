"""Pictures and videos to what is said of their faces: finding, following, aligning, running the model."""
