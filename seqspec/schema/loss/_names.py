"""What a loss is called where the losses of several tasks stand together."""


def loss_name(task: str, loss: str, *, alone: bool) -> str:
    """As the journal has it after ``loss.``: ``ctc``, of several tasks ``asr.ctc``, or ``asr`` where a task
    has one loss (``alone``).
    """
    return loss if not task else task if alone else f"{task}.{loss}"
