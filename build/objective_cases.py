"""Writes the numbers that the tests of room train compare with: ObjectivesTest, OptimizersTest.

    python build/objective_cases.py train/src/test/resources/objectives.json

Needs torch and transformers.
"""
import json
import sys

import torch
from transformers.optimization import Adafactor


def numbers(tensor):
    return tensor.detach().flatten().tolist()


def adafactor(**options):
    torch.manual_seed(5)
    matrix = torch.nn.Parameter(torch.randn(3, 4))
    vector = torch.nn.Parameter(torch.randn(5))
    start = [numbers(matrix), numbers(vector)]
    optimizer = Adafactor([matrix, vector], **options)
    gradients = []
    for step in range(4):
        matrix.grad = torch.randn(3, 4)
        vector.grad = torch.randn(5) * 3
        gradients.append([numbers(matrix.grad), numbers(vector.grad)])
        optimizer.step()
    return {"start": start, "gradients": gradients, "end": [numbers(matrix), numbers(vector)]}


def one_cycle():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2.0, total_steps=21, pct_start=0.2857142857142857)
    rates = []
    for _ in range(21):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < 21:
            schedule.step()
    return rates


def smoothed():
    torch.manual_seed(6)
    logits = torch.randn(4, 7)
    labels = torch.tensor([2, -100, 6, 0])
    loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1, ignore_index=-100)
    return {"logits": numbers(logits), "labels": labels.tolist(), "loss": loss.item()}


def preference():
    torch.manual_seed(7)
    chosen, rejected = torch.randn(2, 3, 5, requires_grad=True), torch.randn(2, 3, 5, requires_grad=True)
    labels = torch.tensor([[-100, 3, 1], [-100, -100, 4]])
    other = torch.tensor([[-100, 2, -100], [-100, 0, 0]])
    before = torch.tensor([[-3.0, -2.5], [-2.0, -4.0]])

    def log_probability(logits, labels):
        logs = logits[:, :-1].log_softmax(-1)
        next = labels[:, 1:]
        each = logs.gather(-1, next.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        return (each * (next != -100)).sum(-1)

    gain = (log_probability(chosen, labels) - before[0]) - (log_probability(rejected, other) - before[1])
    loss = -torch.nn.functional.logsigmoid(0.3 * gain).mean()
    loss.backward()
    return {"chosen": numbers(chosen), "rejected": numbers(rejected), "loss": loss.item(),
            "gradients": [numbers(chosen.grad), numbers(rejected.grad)]}


def contrastive():
    torch.manual_seed(8)
    anchors, positives, negatives = (torch.randn(rows, 4, 6, requires_grad=True) for rows in (3, 3, 2))
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]]).float()

    def mean(hidden, mask):
        return (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)

    rest = torch.cat([mean(positives, mask), mean(negatives, torch.ones(2, 4))])
    scores = torch.nn.functional.cosine_similarity(mean(anchors, mask).unsqueeze(1), rest.unsqueeze(0), dim=-1) / 0.05
    loss = torch.nn.functional.cross_entropy(scores, torch.arange(3))
    loss.backward()
    return {"anchors": numbers(anchors), "positives": numbers(positives), "negatives": numbers(negatives),
            "loss": loss.item(), "gradients": [numbers(each.grad) for each in (anchors, positives, negatives)]}


def distillation():
    torch.manual_seed(9)
    ours, theirs = torch.randn(2, 3, 5, requires_grad=True), torch.randn(2, 3, 5)
    labels = torch.tensor([[1, 4, -100], [0, -100, 2]])
    keep = labels != -100
    soft = torch.nn.functional.kl_div((ours / 2).log_softmax(-1)[keep], (theirs / 2).softmax(-1)[keep],
                                      reduction="batchmean") * 4
    hard = torch.nn.functional.cross_entropy(ours.reshape(-1, 5), labels.reshape(-1))
    loss = 0.25 * hard + 0.75 * soft
    loss.backward()
    return {"student": numbers(ours), "teacher": numbers(theirs), "loss": loss.item(), "gradients": [numbers(ours.grad)]}


cases = {
    "adafactor_scheduled": adafactor(lr=0.05, scale_parameter=False, relative_step=False),
    "adafactor_relative": adafactor(scale_parameter=True, relative_step=True),
    "adafactor_warm": adafactor(scale_parameter=True, relative_step=True, warmup_init=True),
    "adafactor_momentum": adafactor(lr=0.05, scale_parameter=False, relative_step=False, beta1=0.9, weight_decay=0.1),
    "one_cycle": one_cycle(),
    "smoothed": smoothed(),
    "preference": preference(),
    "contrastive": contrastive(),
    "distillation": distillation(),
}
with open(sys.argv[1], "w") as file:
    json.dump(cases, file, indent=1)
    file.write("\n")
