"""Cosines between the gradients of tasks."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from seqspec.runtime.report.tasks import task_sections
from seqspec.runtime.training.task_cosines import TaskCosines


@pytest.fixture
def program():
    body, own = nn.Linear(2, 1, bias=False), nn.Linear(2, 1, bias=False)
    tasks = {"a": nn.ModuleList([body, own]), "b": nn.ModuleList([body])}
    each = {name: SimpleNamespace(module=model) for name, model in tasks.items()}
    return SimpleNamespace(module=nn.ModuleDict(tasks), each=each)


def told(cosines, program, task, body, own=(9.0, 9.0)):
    program.module["a"][0].weight.grad = torch.tensor([body])
    program.module["a"][1].weight.grad = torch.tensor([own])
    cosines.keep(task, cosines.measure(task))


def test_only_what_both_train_is_compared(program):
    cosines = TaskCosines(program)

    told(cosines, program, "a", (1.0, 0.0))
    told(cosines, program, "b", (-1.0, 1.0))

    assert cosines.means() == {"cosine.a.b": pytest.approx(-(0.5**0.5))}
    assert list(cosines.tensors()) == ["a.a.0.weight", "b.a.0.weight"]


def test_each_gradient_meets_the_last_of_the_other_task(program):
    cosines = TaskCosines(program)

    for task, gradient in [("a", (1.0, 0.0)), ("a", (0.0, 1.0)), ("b", (0.0, 3.0)), ("a", (1.0, 0.0))]:
        told(cosines, program, task, gradient)

    assert cosines.state() == {"a.b": [pytest.approx(1.0), pytest.approx(0.0)]}
    cosines.forget()
    assert cosines.means() == {}


def test_what_was_saved_goes_on(program):
    cosines, again = TaskCosines(program), TaskCosines(program)
    told(cosines, program, "a", (1.0, 2.0))
    again.load(cosines.tensors(), cosines.state())

    for one in (cosines, again):
        told(one, program, "b", (2.0, 1.0))

    assert again.state() == cosines.state() == {"a.b": [pytest.approx(0.8)]}


def test_a_gradient_of_nought_has_no_direction(program):
    cosines = TaskCosines(program)
    told(cosines, program, "a", (0.0, 0.0))

    told(cosines, program, "b", (2.0, 1.0))

    assert cosines.means() == {"cosine.a.b": 0.0}


def test_the_report_has_a_table_of_tasks_by_tasks():
    about = {"turns": 1, "examples": 2, "weight": 1.0}
    held = {"tasks": {"a": about, "b": about}, "parts": []}
    journal = [{"event": "train", "step": step, "cosine.a.b": value} for step, value in ((1, 0.5), (2, -0.1))]

    first = next(iter(task_sections(held, journal)))

    assert first.body.count("+0.200") == 2
    assert "cosine" not in next(iter(task_sections(held, journal[:0]))).body
