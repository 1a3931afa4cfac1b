"""Training of the networks that aulens sees with: FaceNet finds faces, LandmarkNet their points."""
