"""The page, by Gradio: components by the types of the model, nothing sent or fetched elsewhere."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from seqspec.runtime.demo.markup import text_markup, value_markup
from seqspec.runtime.demo.trial import MAX_CLASSES, Trial
from seqspec.schema.diagnostic import DataError, Exit, RunError

MAX_FILE = "25mb"
MAX_QUEUE = 16
CLEANED_SECONDS, KEPT_SECONDS = 600, 3600
"""How often uploads are looked through, and after what time they are removed; all are when the page stops."""


def require_gradio() -> None:
    """Raises ``RunError`` where the package is missing."""
    if find_spec("gradio") is None:
        raise RunError(
            "`seqspec demo` needs the package `gradio`, which is not installed",
            exit=Exit.USAGE,
            help="pip install 'seqspec-compiler[demo]'; `seqspec serve` needs less",
        )


def page(trial: Trial) -> Any:
    """The page as Gradio's ``Blocks``."""
    # Before the import: neither counts of use nor a look at newer versions leaves the machine.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    gradio = _imported()

    def answer(given: str | None, *told: str | None) -> Any:
        try:
            if trial.gives == "labels":
                return trial.labels(given, *told)
            best = trial.best(given, *told)
            if trial.gives == "values":
                return value_markup(best)
            return getattr(best, "text", ""), text_markup(best, trial.looked(given, best))
        except DataError as error:
            raise gradio.Error(error.message, print_exception=False) from None

    asked = [gradio.Dropdown(list(known), value=known[0], label=name) for name, known in trial.asks.items()]
    return gradio.Interface(
        answer,
        inputs=[_input(gradio, trial), *asked],
        outputs=_outputs(gradio, trial),
        title=trial.title,
        description=trial.about,
        flagging_mode="never",
        api_name="predict",
        delete_cache=(CLEANED_SECONDS, KEPT_SECONDS),
    )


def _imported() -> Any:
    """Gradio, whose many packages may stand in one another's way."""
    try:
        import gradio
    except ImportError as error:
        raise RunError(
            f"`gradio` is installed and cannot be imported: {error}",
            exit=Exit.USAGE,
            help="pip install 'seqspec-compiler[demo]' in an environment of its own",
        ) from None
    return gradio


def _input(gradio: Any, trial: Trial) -> Any:
    # `buttons` leave out Gradio's own `share`, which puts a recording or an image on a public site.
    match trial.takes:
        case "audio":
            return gradio.Audio(
                sources=["microphone", "upload"], type="filepath", label="recording", buttons=["download"]
            )
        case "image":
            return gradio.Image(type="filepath", label="image", buttons=["download", "fullscreen"])
        case "file":
            assert trial.files is not None
            return gradio.File(
                label=trial.files.kind, file_types=sorted(trial.files.suffixes), type="filepath"
            )
        case "prompt":
            return gradio.Textbox(label="prompt", lines=3)
        case _:
            return gradio.Textbox(label="text", lines=3)


def _outputs(gradio: Any, trial: Trial) -> list[Any]:
    match trial.gives:
        case "labels":
            return [gradio.Label(num_top_classes=MAX_CLASSES)]
        case "values":
            return [gradio.HTML(label="prediction")]
        case _:
            return [gradio.Textbox(label="prediction"), gradio.HTML()]


def show(trial: Trial, *, port: int) -> Any:
    """The running page, on loopback; ``block_thread`` of it waits until it is interrupted."""
    shown = page(trial)
    shown.queue(max_size=MAX_QUEUE, default_concurrency_limit=1)
    try:
        shown.launch(
            server_name="127.0.0.1", server_port=port, share=False, max_file_size=MAX_FILE, quiet=True,
            prevent_thread_lock=True, inbrowser=False, footer_links=[], enable_monitoring=False,
        )  # fmt: skip
    except OSError:
        message = f"port {port} is taken, or not for this user"
        raise RunError(message, exit=Exit.USAGE, help="choose another with --port") from None
    return shown
