"""`aulens graph`: how Action Units co-occur, as a picture or a file."""

from pathlib import Path
from typing import Annotated, Final

import typer

from aulens.aus import RENDERS, au_set
from aulens.commands.research import extras
from aulens.commands.terminal import to_stderr
from aulens.contents import json_of
from aulens.errors import ConfigError, DatasetError, ModelError
from aulens.files import write_bytes
from aulens.image import encode_picture
from aulens.output.plan import refuse_inputs
from aulens.relations import THRESHOLD, AURelations
from aulens.runtime.card import FORMAT as CARD_FORMAT

_CHECKPOINT: Final = "best.safetensors"
_MANIFEST: Final = "manifest.parquet"


def graph(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Run folder or checkpoint of a jaa_gcn model, relations (.json), or a folder of renders or "
            "prepared data.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="File to write: a picture (.png, .jpg), or the matrix (.json) for `model.graph_matrix`.",
        ),
    ],
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Smallest probability at which a relation is kept.",
            show_default="the model's, or 0.4",
        ),
    ] = None,
    aus: Annotated[
        str | None,
        typer.Option(metavar="SET", help="AU set to count in a folder of data.", show_default="the folder's"),
    ] = None,
    fold: Annotated[
        int | None, typer.Option(min=1, help="Published part of prepared data that is left out.")
    ] = None,
) -> None:
    """Draw how Action Units co-occur: how often each is present when another is, in training labels."""
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".json"):
        raise ConfigError(f"{out} must end in .png or .jpg for a picture, or in .json for the matrix")
    refuse_inputs([out], [source])
    relations, own, title = _read(source, aus, fold)
    if aus is not None:
        relations.require(au_set(aus), f"the relations of {source}")
    chosen = own if threshold is None else threshold
    kept = int(relations.mask(chosen).sum()) - len(relations.aus)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".json":
        relations.save(out)
    else:
        from aulens.show.relations import draw_relations

        write_bytes(out, encode_picture(out, draw_relations(relations, chosen, title)))
    to_stderr().print(
        f"{out}: {len(relations.aus)} AUs, {kept} relations are at least {chosen:g}", markup=False
    )


def _read(source: Path, aus: str | None, fold: int | None) -> tuple[AURelations, float, str]:
    """Relations, the threshold that belongs to them, and which labels they were counted in."""
    if source.is_dir():
        if (source / _MANIFEST).is_file():
            return _count(source, aus, fold)
        if (source / _CHECKPOINT).is_file():
            return _from_model(source / _CHECKPOINT)
        raise DatasetError(
            f"{source} is neither a folder of data (it has no {_MANIFEST}) nor a run that has finished an "
            f"epoch (it has no {_CHECKPOINT})"
        )
    if _is_exported(source):
        raise ModelError(
            f"{source} is an exported model, which does not hold how AUs co-occur; give the run folder "
            "that it was exported from, or the checkpoint"
        )
    if source.suffix.lower() == ".json":
        return AURelations.load(source), THRESHOLD, f"relations of {source.name}"
    return _from_model(source)


def _is_exported(source: Path) -> bool:
    """Whether this is the ONNX file of a model, or its card."""
    if source.suffix.lower() != ".json":
        return source.suffix.lower() == ".onnx"
    try:
        content = json_of(source)
    except (OSError, ValueError):
        return False  # the reader of relations says what is wrong
    return isinstance(content, dict) and content.get("format") == CARD_FORMAT


def _count(folder: Path, aus: str | None, fold: int | None) -> tuple[AURelations, float, str]:
    with extras():
        from aulens.data.folds import SplitPlan
        from aulens.data.loading import load_data
        from aulens.data.prepared import is_prepared, read_about

        plan = SplitPlan(str(fold) if fold else "")
        own = read_about(folder)["dataset"] if is_prepared(folder) else RENDERS.name
        if fold and not is_prepared(folder):
            raise ConfigError(f"{folder} is not prepared data, which come in parts: leave --fold out")
        try:
            samples = load_data([folder], au_set(aus or own), plan).split("train")
        except ConfigError as error:
            raise ConfigError(str(error).replace("data.fold = ", "--fold ")) from error
    title = f"{len(samples):,} training pictures of {folder.resolve().name}"
    return AURelations.from_labels(samples.labels, samples.aus), THRESHOLD, title


def _from_model(checkpoint: Path) -> tuple[AURelations, float, str]:
    with extras():
        from aulens.models import load_checkpoint

        model, config = load_checkpoint(checkpoint)
    if model.relations is None:
        raise ModelError(
            f"{checkpoint} is a {config.variant}, which has no relations between AUs; give one of jaa_gcn, "
            "or the data it was trained on"
        )
    name = checkpoint.resolve().parent.name if checkpoint.name == _CHECKPOINT else checkpoint.name
    settings = config.to_dict()
    given = settings.get("graph_matrix")
    counted = "training labels" if given is None else Path(given).name
    return model.relations, settings.get("graph_threshold", THRESHOLD), f"{counted} of {name}"
