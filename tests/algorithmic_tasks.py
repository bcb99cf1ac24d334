"""A spec of two algorithmic tasks that trains in a second, for tests of how tasks take turns."""

TASKS = """
seqspec: 1
name: algorithmic_tasks
shared:
  body: {type: transformer, dim: 8, num_layers: 1, num_heads: 2, feed_forward_dim: 16}
data:
  source:
    type: algorithmic
    symbols: 3
    train: {max_length: 4, count: 40}
    dev: {max_length: 4, count: 6}
    test: {max_length: 4, count: 6}
  text: {source: {tokenizer: words}, target: {tokenizer: words}}
  filter: {max_source_tokens: 16, max_target_tokens: 16}
  batch: {unit: examples, size: 8}
tasks:
  backward: {data: {source: {problem: reverse}}}
  same: {data: {source: {problem: identity}}}
model:
  type: encoder_decoder
  encoder: {use: shared.body}
  decoder: {type: transformer, num_layers: 1}
optimizer: {type: adamw, schedule: {type: constant, peak: 0.003}}
train: {max_steps: 4, checkpoint_every_steps: 4}
evaluate: {every_steps: 4, splits: [dev], search: {type: greedy, max_tokens: 6}, metrics: [token_accuracy]}
"""
