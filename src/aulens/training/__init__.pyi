from .config import TrainConfig as TrainConfig
from .config import load_config as load_config
from .engine import TrainResult as TrainResult
from .evaluation import Evaluation as Evaluation
from .evaluation import evaluate as evaluate
from .exporter import ExportedModel as ExportedModel
from .exporter import export as export
from .stages import train as train
