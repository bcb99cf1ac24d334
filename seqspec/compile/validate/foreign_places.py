"""Where a setting of another framework stands in a spec, when its own place does not take it.

Read from the public configuration of PyTorch Lightning, Hugging Face Transformers, fairseq, ESPnet, NeMo,
SpeechBrain, OpenNMT, JoeyNMT and Ludwig.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a foreign setting stands, and how its value differs from ours."""

    path: str
    """The path in a spec; empty where no spec decides it."""
    remark: str = ""
    """What the value means here, in which unit; a rename alone would then change the meaning."""


_FOREIGN: tuple[tuple[Place, str], ...] = (
    (Place("optimizer.schedule.peak"), "learning_rate lr max_lr base_lr init_lr peak_lr"),
    (
        Place("optimizer.schedule.warmup_steps"),
        "warmup_updates num_warmup_steps warm_up_steps n_warmup_steps",
    ),
    (
        Place("optimizer.schedule.warmup_steps", "counted in optimizer steps"),
        "warmup warmup_ratio warmup_epochs",
    ),
    (Place("optimizer.weight_decay", "of an optimizer `{type: adamw}`"), "weight_decay wd l2_reg"),
    (
        Place("train.max_steps", "counted in optimizer steps, not in passes over the data"),
        "max_epochs max_epoch epochs num_epochs n_epochs num_train_epochs number_of_epochs",
    ),
    (
        Place("data.batch.size", "of one optimizer step over all devices, in examples with `unit: examples`"),
        "batch_size train_batch_size per_device_train_batch_size bsz max_sentences global_batch_size",
    ),
    (
        Place("data.batch.size", "of one optimizer step over all devices, in tokens with `unit: tokens`"),
        "max_tokens tokens_per_batch",
    ),
    (
        Place("data.batch.size", "of one optimizer step over all devices, counted in `data.batch.unit`"),
        "batch_bins",
    ),
    (Place("data.batch.unit", "which takes `examples`, `tokens`, `frames` or `seconds`"), "batch_type"),
    (Place("data.batch.workers"), "num_workers dataloader_num_workers n_workers"),
    (
        Place("train.precision", "which takes `float32`, `bfloat16` or `float16`"),
        "fp16 bf16 amp use_amp mixed_precision",
    ),
    (Place("evaluate.every_steps"), "eval_steps valid_steps eval_interval validate_interval_updates"),
    (
        Place("evaluate.every_steps", "counted in optimizer steps"),
        "val_check_interval check_val_every_n_epoch validation_freq",
    ),
    (
        Place("train.checkpoint_every_steps"),
        "save_steps save_interval_updates save_checkpoint_steps steps_per_checkpoint",
    ),
    (Place("train.checkpoint_every_steps", "counted in optimizer steps"), "checkpoint_every"),
    (Place("train.keep_last"), "save_total_limit"),
    (Place("train.keep_last", "counted in checkpoints"), "keep_last_epochs"),
    (Place("train.keep_best"), "save_top_k keep_nbest_models"),
    (
        Place("evaluate.stop.after", "counted in evaluations without a gain"),
        "patience early_stopping early_stop",
    ),
    (
        Place("evaluate.metrics", "of which the first decides the best checkpoint"),
        "monitor metric_for_best_model best_checkpoint_metric validation_metric early_stopping_metric",
    ),
    (Place("evaluate.max_examples", "counted in examples"), "limit_val_batches"),
    (Place("train.exact"), "deterministic"),
    (Place("seed"), "seed_everything random_seed"),
    (
        Place("", "the machine is no part of an experiment: `seqspec run SPEC --devices N --nodes N`"),
        "device devices gpus ngpu num_gpus n_gpu num_nodes accelerator strategy",
    ),
    (
        Place("", "where results go is no part of an experiment: `seqspec run SPEC --runs FOLDER`"),
        "output_dir save_dir default_root_dir log_dir output_folder exp_dir model_dir",
    ),
    (
        Place("", "going on is no part of an experiment: `seqspec run SPEC --resume RUN`"),
        "resume_from_checkpoint ckpt_path restore_file resume",
    ),
    (Place("data.audio.features.num_bins"), "num_mels n_mels num_mel_bins nmels"),
    (
        Place(
            "data.audio.features.hop_seconds",
            "in seconds: samples divided by the sampling rate, 0.01 for 10 ms",
        ),
        "hop_length frame_shift window_stride hop_size win_shift",
    ),
    (
        Place(
            "data.audio.features.window_seconds",
            "in seconds: samples divided by the sampling rate, 0.025 for 25 ms",
        ),
        "win_length frame_length window_size window_length",
    ),
    (
        Place("data.audio.features.window_seconds", "in seconds; the transform is the next power of two"),
        "n_fft",
    ),
    (
        Place("", "the audio files say their rate; seqspec takes no number for it here"),
        "sample_rate sampling_rate sr fs",
    ),
    (Place("data.audio.features.low_hz"), "f_min fmin"),
    (Place("data.audio.features.high_hz"), "f_max fmax"),
    (
        Place("data.audio.normalize", "which takes `none`, `utterance` or `global`"),
        "cmvn apply_cmvn cmvn_file global_cmvn",
    ),
    (
        Place("data.audio.augment", "a list such as `[spec_augment]`"),
        "spec_augment specaug specaugment augmentation",
    ),
    (Place("data.filter.max_seconds", "in seconds"), "max_duration"),
    (Place("data.filter.min_seconds", "in seconds"), "min_duration"),
    (
        Place(
            "data.filter.max_source_tokens",
            "and `max_target_tokens`; of answers `evaluate.search.max_tokens`",
        ),
        "max_len max_length max_sent_length max_seq_length model_max_length max_sequence_length",
    ),
    (Place("evaluate.search.max_tokens"), "max_new_tokens max_output_length max_decode_len"),
    (
        Place("evaluate.search.size", "of a search `{type: beam, size: 5}`"),
        "beam_size beam_width num_beams beam",
    ),
    (
        Place("evaluate.search.alpha", "of a search `{type: beam, length_penalty: gnmt, alpha: 0.6}`"),
        "lenpen length_penalty length_penalty_weight len_pen",
    ),
    (
        Place("data.text", "as `target: {tokenizer: {type: sentencepiece, vocab_size: 8000}}`"),
        "vocab bpe bpe_size num_merges bpe_model token_type nbpe src_vocab_size tgt_vocab_size "
        "n_vocab vocab_size vocabulary_size",
    ),
    (
        Place("loss.label_smoothing", "of a loss `{type: cross_entropy}`"),
        "label_smooth label_smoothing lsm_weight label_smoothing_factor smoothing",
    ),
    (
        Place("model.tie", "which takes `none`, `target` or `all`"),
        "share_embeddings tie_embeddings tied_embeddings tie_word_embeddings share_all_embeddings "
        "share_decoder_input_output_embed tied_softmax",
    ),
    (
        Place(
            "model.outputs",
            "as `{ctc: {type: linear, on: encoder}}`, with a loss of type `ctc` on it under `losses`",
        ),
        "mtlalpha ctc_loss_weight ctc_weight",
    ),
    (
        Place("evaluate.search.ctc_weight", "of a search `{type: beam, ctc_weight: 0.3}`"),
        "ctc_weight_decode ctc_decode_weight",
    ),
    (
        Place(
            "evaluate.search.language_model",
            "of a search `{type: beam, language_model: {run: RUN, weight: 0.3}}`",
        ),
        "lm_weight lm_scale lm_path lm_file lm_train_config lm_model",
    ),
    (
        Place("norm", "which takes `pre` or `post`"),
        "normalize_before pre_norm norm_first encoder_normalize_before",
    ),
    (Place("data.source.source_language"), "src_lang source_lang"),
    (Place("data.source.target_language"), "tgt_lang target_lang trg_lang"),
    (Place("optimizer.beta1", "and `beta2`, a number each"), "betas"),
    (Place("optimizer.type"), "optimizer_name optim"),
    (
        Place("optimizer.schedule", "a mapping such as `{type: inverse_sqrt, peak: 1.0e-3}`"),
        "scheduler lr_scheduler lr_schedule lr_scheduler_type scheduler_conf",
    ),
    (Place("optimizer", "a mapping with `type`"), "optim_conf optimizer_conf optimizer_args"),
    (Place("loss", "a mapping with `type`"), "loss_fn criterion_conf loss_conf"),
    (
        Place("data.source", "a corpus by its adapter: `seqspec list adapter` shows them"),
        "problem problems dataset corpus dataset_name train_data valid_data test_data dev_data datasets",
    ),
    (
        Place(
            "data.source.splits", "as `{train: FILE, dev: FILE}`; a manifest of JSON lines is `type: jsonl`"
        ),
        "manifest manifest_filepath train_manifest validation_manifest train_file validation_file test_file "
        "trainpref validpref testpref",
    ),
    (
        Place("data.source", "as `source: {text: COLUMN, language: ja}` and `target: {label: COLUMN}`"),
        "input_features output_features text_column label_column",
    ),
    (
        Place("model", "a mapping with `type`; `seqspec list model` shows them, `seqspec new` whole specs"),
        "arch architecture model_name model_conf hparams_set network net model_args",
    ),
    (
        Place("", "every setting stands in its own section, such as `train: {max_steps: 100}`"),
        "hparams params hyperparameters hyper_parameters override_hparams",
    ),
    (Place("model.encoder", "its settings beside its `type`"), "encoder_conf encoder_params encoder_args"),
    (Place("model.decoder", "its settings beside its `type`"), "decoder_conf decoder_params decoder_args"),
    (
        Place("data.audio.features", "such as `{type: log_mel, num_bins: 80}`"),
        "frontend frontend_conf feature_extractor featurizer",
    ),
    (Place("data.audio.augment", "a list such as `[{type: spec_augment}]`"), "specaug_conf augmentor"),
    (
        Place("data.image.augment", "a list such as `[flip]`; `seqspec list augment` shows them"),
        "transform transforms augmentations",
    ),
    (
        Place("data.text", "and `data.audio`: every step from raw data to ids stands there, in order"),
        "preprocessing preprocessor preprocess",
    ),
    (
        Place(
            "", "the data tell it: `tokenizer: characters` learns what there is, and names of classes follow"
        ),
        "labels alphabet vocabulary vocab_file",
    ),
    (
        Place("", "the corpus tells how many classes there are, and the model follows it"),
        "num_classes n_classes num_labels nb_classes",
    ),
    (
        Place("", "what comes in tells it: widths and channels follow from the data and from each other"),
        "in_channels input_dim in_features in_dim idim odim out_features output_dim",
    ),
    (
        Place(
            "", "images come in the size that the corpus has; a source of type `image_folder` can `resize`"
        ),
        "resize image_size img_size",
    ),
    (
        Place("data.pack.length", "in tokens"),
        "block_size seq_len seq_length sequence_length context_length context_size n_ctx bptt "
        "tokens_per_sample",
    ),
    (
        Place("", "components are named by `type`; nothing more is needed to make them"),
        "_partial_ _args_ _convert_ _recursive_",
    ),
    (
        Place("", "no experiment decides it: `seqspec run SPEC --runs FOLDER` says where runs go"),
        "hydra project wandb tensorboard logger callbacks experiment_name run_name",
    ),
    (
        Place("", "the machine is no part of an experiment: `seqspec run SPEC --devices N --nodes N`"),
        "cluster tpu num_tpus worker replicas worker_replicas num_workers_per_node world_size",
    ),
    (Place("train.clip_norm"), "grad_clip_val clip_grad clip_gradients clip_gradient_norm"),
    (
        Place(
            "", "every batch is kept, and how it is loaded changes no result; `data.batch.workers` may be set"
        ),
        "drop_last pin_memory collate_fn sampler prefetch_factor persistent_workers",
    ),
    (
        Place("", "decoders are taught with the right tokens always"),
        "teacher_forcing teacher_forcing_ratio",
    ),
)
"""Each place with the foreign words for it."""

PLACES: dict[str, Place] = {word: place for place, words in _FOREIGN for word in words.split()}
"""Foreign key to its place."""
