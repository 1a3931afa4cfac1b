from .media import Frame as Frame
from .media import Media as Media
from .media import VideoInfo as VideoInfo
from .reader import open_video as open_video
from .sequence import open_sequence as open_sequence
from .webcam import open_webcam as open_webcam
from .writer import VideoWriter as VideoWriter
