"""What stands on the page, and where."""

from typing import Final

import gradio as gr

from aulens.app import panels
from aulens.app.settings import AppSettings
from aulens.runtime.card import ModelCard
from aulens.runtime.doubt import DOUBTFUL

_FASTEST: Final = 30
"""At most each so many-th frame."""
_EACH: Final = 0.25
"""Seconds between two questions how far an analysis is."""


def _html(value: str, *, elem_id: str | None = None) -> gr.HTML:
    """HTML styled by our sheet alone.

    It is always there, if need be empty: an update of something that is hidden may be lost in the browser.
    """
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, padding=False, js_on_load=None)


class Layout:
    """The components of the page, made inside a `gr.Blocks`.

    Args:
        card: of the model.
        settings: limits.

    Attributes:
        drop: takes a file.
        mirrored: whether left and right are exchanged in what is dropped in.
        snap: takes a picture from the browser's camera.
        live: takes one picture after another from it.
        source: what was dropped in.
        options: of a video; `every`, `start`, `stop`, `good`, `film` are in it.
        go: begins the analysis of a video.
        cancel: ends an analysis.
        status: how far it is, or what went wrong.
        pulse: asks how far it is, while there is one.
        aus: the AUs to show.
        heat: whether to show evidence over the picture.
        stage: stands where results will be, or shows what is seen live.
        facts: what was found, and files.
        picture: a picture's results; `drawn`, `face`, `scores`, `sheet` are in it.
        clip: a video's; `report`, `person`, `curves`, `table`, `film_view` are in it.
    """

    def __init__(self, card: ModelCard, settings: AppSettings) -> None:
        _html(panels.head() + panels.statement(card))
        with gr.Row(elem_id="board", equal_height=False):
            with gr.Column(scale=0, min_width=340, elem_id="side"):
                self._inputs(settings)
                self._options()
                self._choice(card)
            with gr.Column(scale=1, min_width=300, elem_id="result"):
                self.stage = _html(panels.empty(), elem_id="stage")
                self.facts = _html("", elem_id="facts")
                self._picture()
                self._clip()
        _html(panels.foot())
        self.pulse = gr.Timer(_EACH, active=False)

    def _inputs(self, settings: AppSettings) -> None:
        # Gradio would send the mirror image, in which right and left are exchanged.
        unmirrored = gr.WebcamOptions(mirror=False)
        with gr.Tabs(elem_id="inputs"):
            with gr.Tab("File"):
                self.drop = gr.File(label="Picture or video", show_label=False, height=150, elem_id="drop")
                self.mirrored = gr.Checkbox(label="Mirrored, as selfies often are", elem_id="mirrored")
                _html(panels.limits(settings.max_megabytes, settings.max_minutes))
            with gr.Tab("Webcam"):
                self.snap = gr.Image(
                    label="Webcam", show_label=False, sources=["webcam"], type="filepath", format="png",
                    height=250, buttons=[], elem_id="snap", webcam_options=unmirrored,
                )  # fmt: skip
            with gr.Tab("Live"):
                self.live = gr.Image(
                    label="Live", show_label=False, sources=["webcam"], type="filepath", streaming=True,
                    height=250, buttons=[], elem_id="live", webcam_options=unmirrored,
                )  # fmt: skip
                _html(panels.hint("Nothing of this is kept. Record a video elsewhere to get a table."))

    def _options(self) -> None:
        self.source = _html("", elem_id="source")
        with gr.Column(visible=False, elem_id="video-options") as self.options:
            self.every = gr.Slider(1, _FASTEST, 1, step=1, label="Analyze each N-th frame", elem_id="every")
            with gr.Row():
                self.start = gr.Textbox(label="From", placeholder="0:00", min_width=90, elem_id="from")
                self.stop = gr.Textbox(label="To", placeholder="end", min_width=90, elem_id="to")
            self.good = gr.Checkbox(
                label=f"Leave out faces that are seen badly (quality below {DOUBTFUL:g})", elem_id="good"
            )
            self.film = gr.Checkbox(label="Draw the video, too (takes longer)", elem_id="film")
        self.go = gr.Button("Analyze", variant="primary", visible=False, elem_id="go")
        self.status = _html("", elem_id="status")
        self.cancel = gr.Button("Cancel", visible=False, elem_id="cancel")

    def _choice(self, card: ModelCard) -> None:
        labels = list(card.aus.labels)
        with gr.Column(elem_id="choice"):
            self.aus = gr.CheckboxGroup(
                labels, value=labels, label="Action Units to show", show_select_all=True, elem_id="aus"
            )
            self.heat = gr.Checkbox(label="Evidence over the picture", value=True, elem_id="heat")
            _html(panels.hint("The files to take away always hold all of them."))

    def _picture(self) -> None:
        with gr.Column(visible=False, elem_id="picture") as self.picture:
            with gr.Row(equal_height=False):
                with gr.Column(scale=5, min_width=300):
                    self.drawn = _html("")
                with gr.Column(scale=4, min_width=300):
                    self.face = gr.Radio([], label="Face", visible=False, elem_id="face")
                    self.scores = _html("", elem_id="scores")
            self.sheet = _html("", elem_id="sheet")

    def _clip(self) -> None:
        with gr.Column(visible=False, elem_id="clip") as self.clip, gr.Tabs():
            with gr.Tab("Look through"):
                self.report = _html("")
            with gr.Tab("Timeline"):
                self.person = gr.Radio([], label="Person", visible=False, elem_id="person")
                self.curves = _html("", elem_id="curves")
            with gr.Tab("Events"):
                self.table = _html("", elem_id="events")
            with gr.Tab("Video"):
                self.film_view = _html("")
