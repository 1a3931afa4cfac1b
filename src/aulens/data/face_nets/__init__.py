"""Pictures to train face networks on: scenes with faces for the detector, crops of faces for landmarks.

Whatever draws is given its only source of randomness, `random`.
"""
