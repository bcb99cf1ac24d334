"""gin-config: configurable functions, the file parsed and every binding checked against their signatures."""

import sys

import gin


@gin.configurable
def data(
    root,
    source_language,
    target_language,
    train,
    dev,
    max_source_tokens,
    max_target_tokens,
    unit,
    batch_size,
    shuffle,
):
    return {}


@gin.configurable
def source(vocab_size, model, character_coverage, byte_fallback):
    return {}


@gin.configurable
def target(vocab_size, model, character_coverage, byte_fallback):
    return {}


@gin.configurable
def encoder(num_layers, dim, num_heads, feed_forward_dim, dropout, norm):
    return {}


@gin.configurable
def decoder(num_layers, dim, num_heads, feed_forward_dim, dropout, norm):
    return {}


@gin.configurable
def optimizer(learning_rate, beta1, beta2, schedule, warmup_steps):
    return {}


@gin.configurable
def train(
    max_steps, seed, clip_norm, label_smoothing, checkpoint_every_steps, evaluate_every_steps, beam, metric
):
    return {}


gin.parse_config_file(sys.argv[1])
for build in (data, source, target, encoder, decoder, optimizer, train):
    build()
print(
    "READ",
    repr(gin.query_parameter("optimizer.learning_rate")),
    repr(gin.query_parameter("data.source_language")),
    repr(gin.query_parameter("train.max_steps")),
)
