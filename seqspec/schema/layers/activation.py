"""Non-linearities by name."""

from typing import Literal

Activation = Literal["relu", "tanh", "gelu", "silu"]
