"""Training of the face networks: FaceNet, LandmarkNet, PersonNet."""
