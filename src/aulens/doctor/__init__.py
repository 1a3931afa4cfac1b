"""What is wrong with a data set: counts, codes, landmarks, labels against faces. See docs/doctor.md."""

from aulens.doctor.diagnosis import AUCheck, Diagnosis, PartCount
from aulens.doctor.examine import examine
from aulens.doctor.sheet import contact_sheet

__all__ = ["AUCheck", "Diagnosis", "PartCount", "contact_sheet", "examine"]
