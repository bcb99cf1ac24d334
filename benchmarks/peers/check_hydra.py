"""Hydra with structured configs, the way a training script uses it: its own error reporting included."""

import hydra
from experiment import Experiment
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

ConfigStore.instance().store(name="experiment_schema", node=Experiment)


@hydra.main(version_base=None, config_path=None, config_name="config")
def main(config: DictConfig) -> None:
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    OmegaConf.to_object(config)
    print(
        "READ",
        repr(config.optimizer.learning_rate),
        repr(config.data.source_language),
        repr(config.train.max_steps),
    )


main()
