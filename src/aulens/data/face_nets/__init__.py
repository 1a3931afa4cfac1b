"""Pictures to train face networks on: scenes with faces for the detector, crops of faces for landmarks."""
