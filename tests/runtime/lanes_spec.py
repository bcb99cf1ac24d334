"""A small language model that carries its memory along lanes, for the tests of rows in their order."""

SPEC = """
seqspec: 1
name: lanes
data:
  source: {type: lines, synthetic: 60, splits: {train: input.txt}, cut: {train: 0.8, dev: 0.2}, language: en}
  text: {target: {tokenizer: characters}}
  pack: {sample: lanes, length: 16, document_mask: false}
  batch: {unit: tokens, size: 64}
model:
  type: language_model
  decoder:
    type: transformer
    num_layers: 2
    dim: 16
    num_heads: 2
    positions: none
    dropout: 0.1
    self_attention: {type: transformer_xl, segment: 8, memory: 24}
optimizer: {type: adamw, schedule: {type: constant, peak: 0.003}}
train: {max_steps: 6, checkpoint_every_steps: 3, log_every_steps: 2, accumulate: 2}
evaluate: {every_steps: 3, splits: [dev], metrics: [perplexity]}
"""
