from .engine import Executor as Executor
from .engine import Here as Here
from .engine import Results as Results
from .engine import analyze_files as analyze_files
from .receipt import Receipt as Receipt
from .settings import OutputSettings as OutputSettings
from .video import analyze_video as analyze_video
