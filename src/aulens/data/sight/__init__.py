"""Pictures to learn seeing from: scenes with faces for the detector, crops of faces for landmarks."""
