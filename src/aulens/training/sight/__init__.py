"""Training of the networks that aulens sees with: FaceNet, LandmarkNet, PersonNet."""
