"""FSDP2 over a weight that tensor parallelism has split: does torch put it together again?

    python benchmarks/two_axes.py

Four processes, a mesh of two by two; each kind of split that ``--strategy tp`` makes, sharded by ``fully_shard`` along
the other axis and gathered by ``full_tensor``.
"""

from __future__ import annotations

import os
import socket

import torch
import torch._dynamo  # torch loads it when processes are first connected
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard

SPLITS = {
    "rows": Shard(1),
    "columns": Shard(0),
    "columns of two matrices in one": _StridedShard(0, split_factor=2),  # a gated feed-forward network's
}


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    started = []
    for rank in range(4):
        started.append(os.fork())
        if not started[-1]:
            os.environ.update(WORLD_SIZE="4", RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
            try:
                compare()
            finally:
                os._exit(0)
    for process in started:
        os.waitpid(process, 0)


def compare() -> None:
    """The first process prints a line for each split."""
    distributed.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "tensor"))
    for name, split in SPLITS.items():
        torch.manual_seed(0)
        layer = nn.Linear(8, 16, bias=False)
        whole = layer.weight.detach().clone()
        part = distribute_tensor(layer.weight.detach(), mesh["tensor"], [split], src_data_rank=None)
        layer.weight = nn.Parameter(part)
        fully_shard(layer, mesh=mesh["data"])
        found = layer.weight.full_tensor()
        if not distributed.get_rank():
            print(f"{name}: {'the same' if torch.equal(found, whole) else 'another tensor'}", flush=True)


if __name__ == "__main__":
    main()
