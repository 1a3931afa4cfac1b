"""`aulens convert`: weights of others, and of models for other AUs, become checkpoints of aulens."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from aulens.commands.research import extras
from aulens.commands.terminal import to_stderr
from aulens.errors import ConfigError
from aulens.output.plan import refuse_inputs

if TYPE_CHECKING:
    from aulens.models.base import AUModel
    from aulens.models.config import ModelConfig

app = typer.Typer(no_args_is_help=True, help="Turn the weights of others into checkpoints of aulens.")

_OPTION_OF: Final = {
    "region_learning": "--region",
    "align_net": "--align",
    "local_attention_refine": "--refinement",
    "local_au_net": "--local",
    "global_au_feat": "--global",
    "au_net": "--au",
}


def _file(option: str, name: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(
        option, metavar="FILE", help=f"{name}_EPOCH.pth", rich_help_panel="Files"
    )
    return info


@app.command()
def jaanet(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Checkpoint to write.")],
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of all six files, instead of naming them.")
    ] = None,
    epoch: Annotated[
        int | None, typer.Option(min=0, help="Epoch to take from --folder.", show_default="the only one")
    ] = None,
    region: Annotated[Path | None, _file("--region", "region_learning")] = None,
    align: Annotated[Path | None, _file("--align", "align_net")] = None,
    refinement: Annotated[Path | None, _file("--refinement", "local_attention_refine")] = None,
    local: Annotated[Path | None, _file("--local", "local_au_net")] = None,
    overall: Annotated[Path | None, _file("--global", "global_au_feat")] = None,
    au: Annotated[Path | None, _file("--au", "au_net")] = None,
    aus: Annotated[
        str, typer.Option(metavar="SET|1,2,4..", help="AUs that they were trained on, in order.")
    ] = "bp4d",
    crop: Annotated[int, typer.Option(help="Side of the crop that they were trained on, in pixels.")] = 176,
) -> None:
    """Turn published JAA-Net weights (PyTorch, version 2; six files) into one checkpoint.

    The files are read without executing anything in them.
    """
    given = dict(zip(_OPTION_OF, (region, align, refinement, local, overall, au), strict=True))
    files = {} if folder is None else _find(folder, epoch)
    files |= {subnet: path for subnet, path in given.items() if path is not None}
    missing = [_OPTION_OF[subnet] for subnet in given if subnet not in files]
    if missing:
        raise ConfigError(
            f"JAA-Net has six files; {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. "
            "Name them, or give their --folder."
        )
    _check_out(out, files.values())
    with extras("train"):
        from aulens.models.config import JAAConfig
        from aulens.models.official_jaa import read_official

        config = JAAConfig(variant="jaa_net", aus=_aus(aus), crop=crop)
        _write(out, read_official(files, config.au_set, crop), config)


@app.command(name="disfa-init")
def disfa_init(
    source: Annotated[
        Path, typer.Option("--from", metavar="FILE", help="Checkpoint of a JAA-Net for BP4D's AUs.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Checkpoint to write.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the layers that start afresh.")] = 0,
) -> None:
    """Make a JAA-Net for DISFA's AUs, to start training from, out of one trained on BP4D."""
    _check_out(out, [source])
    with extras("train"):
        import dataclasses

        import torch

        from aulens.models import load_checkpoint
        from aulens.models.official_jaa import disfa_from_bp4d

        model, config = load_checkpoint(source)
        if config.variant != "jaa_net":
            raise ConfigError(
                f"{source} is a {config.variant}; a start for DISFA is made of a jaa_net "
                "(of a jaa_gcn, the one in its run's stage1 folder)."
            )
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            start = disfa_from_bp4d(model)
        _write(out, start, dataclasses.replace(config, aus="disfa"))


def _aus(text: str) -> str | tuple[int, ...]:
    """The name of an AU set, or AU numbers with commas."""
    if not re.fullmatch(r"[\d, ]+", text):
        return text
    return tuple(int(number) for number in text.replace(",", " ").split())


def _find(folder: Path, epoch: int | None) -> dict[str, Path]:
    """The files NAME_EPOCH.pth of a folder, by NAME."""
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}.")
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(folder.glob("*.pth")):
        match = re.fullmatch(rf"({'|'.join(_OPTION_OF)})_(\d+)\.pth", path.name)
        if match:
            found.setdefault(int(match[2]), {})[match[1]] = path
    names = ", ".join(f"{name}_EPOCH.pth" for name in _OPTION_OF)
    if not found:
        raise ConfigError(f"{folder} holds none of JAA-Net's files: {names}. Give the folder that does.")
    epochs = ", ".join(str(number) for number in sorted(found))
    if epoch is None and len(found) > 1:
        raise ConfigError(f"{folder} holds the epochs {epochs}; say which with --epoch.")
    chosen = next(iter(found)) if epoch is None else epoch
    if chosen not in found:
        raise ConfigError(f"{folder} has no epoch {chosen}; it has {epochs}.")
    return found[chosen]


def _check_out(out: Path, inputs: Iterable[Path]) -> None:
    """Refuse what can't be written or must not be, before anything is read."""
    refuse_inputs([out], inputs)
    if out.is_dir():
        raise ConfigError(f"can't write {out}: it is a folder; give --out the name of a file in it.")


def _write(out: Path, model: "AUModel", config: "ModelConfig") -> None:
    from safetensors import SafetensorError

    from aulens.files import atomic_write
    from aulens.models import save_checkpoint

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as part:
            save_checkpoint(part, model, config)
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"can't write {out}: {error}") from error
    count = sum(parameter.numel() for parameter in model.parameters())
    to_stderr().print(
        f"{out}: JAA-Net for {', '.join(model.aus.labels)} at crop {model.crop}, {count:,} parameters",
        markup=False,
    )
