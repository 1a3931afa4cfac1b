"""Head pose: how far a face is turned away from the camera, and where it is, from its landmarks."""

from aulens.pose.fit import head_pose
from aulens.pose.head import HeadPose, focal_length

__all__ = ["HeadPose", "focal_length", "head_pose"]
