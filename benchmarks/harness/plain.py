"""The same harness over a plain Lightning recipe: ``seed_everything``, ``DataLoader(shuffle=True)``,
``ModelCheckpoint``, resuming from the newest file.  What a careful user writes in twenty lines; none of it
is made worse on purpose.
"""

from __future__ import annotations

import random
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks.harness.trials import Laboratory, kill_after, wait

Row = dict[str, Any]
STEPS, PER_EPOCH = 60, 20


def random_kills(lab: Laboratory, *, trials: int, seed: int) -> Row:
    """R1 over the plain recipe."""
    reference, seconds = _reference(lab)
    random_ = random.Random(seed)
    bad = kills = broken = 0
    for trial in range(trials):
        place = _fresh(lab, f"plain-{trial}")
        kills += kill_after(lab.child(lambda place=place: _train(place)), random_.uniform(0.2, 0.9) * seconds)  # type: ignore[misc]
        code = wait(lab.child(lambda place=place: _train(place)))  # type: ignore[misc]
        broken += code != 0
        bad += code != 0 or (place / "digest").read_text() != reference
    return {
        "row": "R1-lightning",
        "kills": kills,
        "trials": trials,
        "divergences": bad,
        "did_not_resume": broken,
        "seed": seed,
    }


def settings(lab: Laboratory) -> Row:
    """R7 over the plain recipe: one run for each number of workers, and one without validation."""
    digests = set()
    runs = [{"workers": 0}, {"workers": 1}, {"workers": 2}, {"judged": False}]
    for number, given in enumerate(runs):
        place = _fresh(lab, f"plain-setting-{number}")
        assert wait(lab.child(lambda place=place, given=given: _train(place, **given))) == 0  # type: ignore[misc,arg-type]
        digests.add((place / "digest").read_text())
    return {"row": "R7-lightning", "runs": len(runs), "digests": len(digests)}


def _reference(lab: Laboratory) -> tuple[str, float]:
    place = _fresh(lab, "plain-reference")
    begun = time.monotonic()
    assert wait(lab.child(lambda: _train(place))) == 0
    return (place / "digest").read_text(), time.monotonic() - begun


def _fresh(lab: Laboratory, name: str) -> Path:
    path = lab.root / "runs" / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def _train(place: Path, *, workers: int = 0, evaluated: bool = True) -> int:
    import lightning
    import torch
    from lightning.pytorch.callbacks import ModelCheckpoint
    from torch.utils.data import DataLoader, TensorDataset

    from seqspec.runtime.checkpoints.tensor_file import digest_all

    warnings.simplefilter("ignore")
    lightning.seed_everything(1, verbose=False)

    class Plain(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            layers = (torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(32, 1))
            self.net = torch.nn.Sequential(*layers)

        def training_step(self, batch: Any, index: int) -> Any:
            time.sleep(0.005)
            return (self.net(batch[0]) - batch[0].sum(1, keepdim=True)).square().mean()

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("loss", self.net(batch[0]).square().mean())

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=1e-2)

    x = torch.randn(16 * PER_EPOCH, 8, generator=torch.Generator().manual_seed(0))
    train = DataLoader(TensorDataset(x), batch_size=16, shuffle=True, num_workers=workers)
    dev = DataLoader(TensorDataset(x[:32]), batch_size=16, num_workers=workers) if evaluated else None
    keep = ModelCheckpoint(place, every_n_train_steps=5, save_top_k=-1)
    model = Plain()
    trainer = lightning.Trainer(
        max_steps=STEPS, callbacks=[keep], logger=False, enable_progress_bar=False, accelerator="cpu",
        enable_model_summary=False, default_root_dir=place,
    )  # fmt: skip
    files = sorted(place.glob("*.ckpt"), key=lambda path: int(path.stem.split("step=")[1]))
    trainer.fit(model, train, dev, ckpt_path=str(files[-1]) if files else None)
    (place / "digest").write_text(digest_all(dict(model.state_dict())))
    return 0
