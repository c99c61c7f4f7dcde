"""How a case is made: random weights, files, the checks, and what has to hold before a case is written.

A `Case` says which class with which configuration, and lists its checks. A check is a function of a `Bench`; the
functions `forward`, `generate` and `train` below make such checks, `text`, `choices` and `translation` make their
inputs, and `LABELS` their labels.
"""

import contextlib
import copy
import io
import json
import re
import shutil
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import torch
import transformers
from safetensors.torch import load_file, save_file

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

# The reference takes a softmax in float32 whatever the type, where the lowest float64 of a mask becomes minus infinity
# and a row of nothing but padding NaN. In float64 it shall stay in float64.
narrow_softmax = torch.nn.functional.softmax


def wide_softmax(scores, dim=None, _stacklevel=3, dtype=None):
    return narrow_softmax(scores, dim=dim, dtype=None if scores.dtype == torch.float64 else dtype)


torch.nn.functional.softmax = wide_softmax

FLOAT64_TOLERANCE = 3e-5
TIE = 1e-3
EAGER = dict(attn_implementation="eager", experts_implementation="eager", dtype=torch.float32)
IGNORED = -100
FIRST_ID = 5  # ids below are the special ones


@dataclass(frozen=True)
class Case:
    """One directory. `published` rewrites the saved config.json to the form of published checkpoints, `weights` the
    saved tensors; the reference reads both back, and what it reads computes what is expected. `scales` maps patterns
    of parameter names to a factor on their random values; `generation` goes into generation_config.json; `untied` gives
    `lm_head` weights of its own whatever the configuration says."""

    name: str
    model_class: str
    config: transformers.PreTrainedConfig
    checks: list
    notes: str = ""
    published: Callable[[dict], dict] | None = None
    weights: Callable[[dict], dict] | None = None
    scales: dict = field(default_factory=dict)
    generation: dict = field(default_factory=dict)
    untied: bool = False


def version4(*left_out, **more):
    """The form of config.json before version 5: no `rope_parameters`, `layer_types` and `dtype`; `left_out` are keys
    that published files of the family lack, `more` such as they have."""

    def rewrite(config):
        config = dict(config)
        rope = config.pop("rope_parameters", None)
        config.pop("layer_types", None)
        config["torch_dtype"] = config.pop("dtype")
        config["transformers_version"] = "4.44.0"
        if rope and "rope_theta" in rope:
            rope = dict(rope)
            config["rope_theta"] = rope.pop("rope_theta")
            if "partial_rotary_factor" in rope:
                config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
            config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
        config.update(more)
        return {key: value for key, value in config.items() if key not in left_out}

    return rewrite


def without_prefix(prefix):
    """Names in the file without the name of the backbone, as files saved from the bare backbone have them."""
    return lambda tensors: {name.removeprefix(prefix): value for name, value in tensors.items()}


# The bench


class Bench:
    """The model of one case and what was collected so far: tensors of expected.safetensors and checks of case.json."""

    def __init__(self, case, folder, rng):
        self.case, self.folder, self.rng = case, folder, rng
        self.tensors, self.checks = {}, []
        self.worst = 0.0
        self.loaded = {}
        self.original = None  # the model before it was saved

    @property
    def config(self):
        return self.case.config

    def model(self, model_class=None, dtype=torch.float32):
        """A fresh model, read from the files of the case."""
        name = model_class or self.case.model_class
        if name not in self.loaded:
            model, info = getattr(transformers, name).from_pretrained(
                self.folder, **EAGER, output_loading_info=True)
            assert not info["missing_keys"] and not info["mismatched_keys"], f"{name} misses {info}"
            self.loaded[name] = model.eval()
        return copy.deepcopy(self.loaded[name]).to(dtype)

    def name_inputs(self, check, arguments):
        """Stores inputs, equal ones once, the first of a kind under its plain name."""
        names = {}
        for argument, value in arguments.items():
            for name in (f"in.{argument}", f"in.{check}.{argument}"):
                known = self.tensors.get(name)
                if known is None or (known.shape == value.shape and torch.equal(known, value)):
                    self.tensors[name] = value
                    names[argument] = name
                    break
            assert argument in names, f"{name} is there twice"
        return names

    def ids(self, *shape):
        return torch.randint(FIRST_ID, vocabulary(self.config) - 2, shape, generator=self.rng)

    def agree(self, what, found, exact, tolerance=FLOAT64_TOLERANCE):
        difference = float(((found.double() - exact.double()).abs() / exact.double().abs().clamp(min=1)).max())
        assert difference <= tolerance, f"{what} is off by {difference:.1e}"
        self.worst = max(self.worst, difference) if tolerance == FLOAT64_TOLERANCE else self.worst


def vocabulary(config):
    """How many ids encoder and decoder both know."""
    parts = [config] if hasattr(config, "vocab_size") else [config.encoder, config.decoder]
    return min(*(part.vocab_size for part in parts), getattr(config, "decoder_vocab_size", None) or 10**9)


def filler(config):
    """The id that stands at padded positions."""
    pad = getattr(config, "pad_token_id", None)
    return 0 if pad is None else pad


def of_widths(rows):
    """A check's rows as `[rows, longest]` masks: `of_widths([3, 2])` is 111, 110."""
    return torch.tensor([[1] * row + [0] * (max(rows) - row) for row in rows])


# Inputs


def text(*rows, side="right", segments=False, positions=False, **labels):
    """Random ids in rows of these lengths, padded on one side; keywords name the labels and how they are made."""
    rows = rows or (12, 9)

    def build(bench):
        mask = of_widths(rows)
        if side == "left":
            mask = mask.flip(1)
        ids = bench.ids(*mask.shape).masked_fill(mask == 0, filler(bench.config))
        inputs = {"input_ids": ids, "attention_mask": mask}
        if segments:
            inputs["token_type_ids"] = (torch.arange(mask.shape[1]) >= torch.tensor(rows)[:, None] // 2) * mask
        if positions:
            inputs["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
        for argument, kind in labels.items():
            inputs[argument] = kind(bench, ids, mask)
        return inputs

    return build


def with_more(build, **more):
    """Further inputs, each a function of the bench, the ids and the mask."""

    def extended(bench):
        inputs = build(bench)
        for argument, value in more.items():
            inputs[argument] = value(bench, inputs["input_ids"], inputs["attention_mask"])
        return inputs

    return extended


def choices(*rows, segments=True):
    """Two questions with three choices each: ids `[2, 3, longest]`, the right choice as label."""
    rows = rows or (11, 8, 9, 10, 11, 7)

    def build(bench):
        inputs = text(*rows, segments=segments)(bench)
        inputs = {name: value.view(2, 3, -1) for name, value in inputs.items()}
        inputs["labels"] = torch.tensor([2, 0])
        return inputs

    return build


def translation(source=(11, 8), target=None, labels=None, source_end=False):
    """Ids for an encoder, with `source_end` each row ending in the end id; and for its decoder either labels of these
    lengths or ids with a mask."""

    def build(bench):
        inputs = text(*source)(bench)
        if source_end:
            last = inputs["attention_mask"].sum(1) - 1
            inputs["input_ids"][torch.arange(len(last)), last] = bench.config.eos_token_id
        if labels:
            mask = of_widths(labels)
            inputs["labels"] = bench.ids(*mask.shape).masked_fill(mask == 0, IGNORED)
        if target:
            mask = of_widths(target)
            ids = bench.ids(*mask.shape).masked_fill(mask == 0, filler(bench.config))
            ids[:, 0] = decoder_start(bench.config)
            inputs |= {"decoder_input_ids": ids, "decoder_attention_mask": mask}
        return inputs

    return build


def decoder_start(config):
    start = getattr(config, "decoder_start_token_id", None)
    return start if start is not None else getattr(config, "decoder", config).bos_token_id


# Labels: functions of the bench, the ids and the mask


def same_ids(bench, ids, mask):
    return ids.masked_fill(mask == 0, IGNORED)


def some_ids(bench, ids, mask):
    """Other ids at about half the positions, as for masked language models."""
    chosen = (torch.rand(ids.shape, generator=bench.rng) < 0.5) & (mask == 1)
    return bench.ids(*ids.shape).masked_fill(~chosen, IGNORED)


def one_of(count):
    return lambda bench, ids, mask: torch.randint(count, ids.shape[:1], generator=bench.rng)


def one_of_each(count):
    """A label at each position that is not padding."""
    return lambda bench, ids, mask: torch.randint(count, ids.shape, generator=bench.rng).masked_fill(mask == 0, IGNORED)


def zero_or_one(bench, ids, mask):
    """A 0 or 1 at each position, at padded ones too."""
    return torch.randint(2, ids.shape, generator=bench.rng)


def several_of(count):
    return lambda bench, ids, mask: torch.randint(2, (len(ids), count), generator=bench.rng).float()


def place(bench, ids, mask):
    """A position in each row."""
    return (torch.rand(len(ids), generator=bench.rng) * mask.sum(1)).long()


def place_or_outside(bench, ids, mask):
    """A position in the first row; in the second one beyond the text, which the loss ignores."""
    return torch.tensor([int(place(bench, ids, mask)[0]), ids.shape[1] + 3])


# Checks


def forward(inputs, id="forward", attentions=True, model_class=None, leave_out=(), **options):
    """One call: everything real that the reference returns, except fields that match `leave_out`."""

    def check(bench):
        arguments = inputs(bench)
        names = bench.name_inputs(id, arguments)
        asked = options | {"output_hidden_states": True} | ({"output_attentions": True} if attentions else {})

        def run(model):
            wide = next(model.parameters()).dtype
            given = {name: value.to(wide) if value.is_floating_point() else value for name, value in arguments.items()}
            with torch.no_grad():
                return fields(model(**given, **asked), leave_out)

        found, exact = run(bench.model(model_class)), run(bench.model(model_class, torch.float64))
        if model_class is None:
            for name, value in run(copy.deepcopy(bench.original)).items():
                bench.agree(f"{name} before saving", found[name], value, 1e-6)
        shaken = run(shake(bench.model(model_class), 1e-6))
        outputs = {}
        for name, value in found.items():
            where = mask_of(bench, name, value, names, arguments,
                            any(one.startswith("decoder_") for one in found))
            kept = value if not where else torch.where(spread(bench.tensors[where["where"]], value, where), value, 0.0)
            exact_kept = torch.where(kept == 0, 0.0, exact[name])
            bench.agree(f"{id} {name}", kept, exact_kept)
            bench.agree(f"{id} {name} of shaken weights", kept, torch.where(kept == 0, 0.0, shaken[name]), 1e-3)
            assert torch.isfinite(kept).all(), f"{name} is not finite"
            bench.tensors[f"out.{id}.{name}"] = value
            outputs[name] = {"tensor": f"out.{id}.{name}", **where}
        entry = {"id": id, "inputs": names, "kind": "forward", "options": asked, "outputs": outputs}
        if model_class:
            entry["model_class"] = model_class
        bench.checks.append(entry)

    return check


def fields(result, leave_out=()):
    """The real tensors of a result by name, those in tuples numbered."""
    known = re.compile(r"(loss|(start_|end_|prediction_|sop_|seq_relationship_)?logits|pooler_output|last_hidden_state|"
                       r"encoder_last_hidden_state|((en|de)coder_)?hidden_states|((en|de)coder_|cross_)?attentions)")
    flat = {}
    for name, value in result.items():
        if value is None or not known.fullmatch(name) or any(re.fullmatch(one, name) for one in leave_out):
            continue
        if isinstance(value, torch.Tensor):
            flat[name] = value
        else:
            flat |= {f"{name}.{index}": one for index, one in enumerate(value) if one is not None}
    return {name: value.detach().clone() for name, value in flat.items()
            if not any(re.fullmatch(one, name) for one in leave_out)}


def mask_of(bench, name, value, names, arguments, two_sided):
    """Which positions of an output count, as `where` and `where_dims`: those that are not padding. What a decoder gives
    counts everywhere, unless it got a mask."""
    decoder_side = two_sided and not name.startswith("encoder_")
    argument = "decoder_attention_mask" if decoder_side else "attention_mask"
    if argument not in arguments or value.ndim < 2:
        return {}
    tensor, mask = names[argument], arguments[argument]
    if mask.ndim == 3:  # choices lie side by side inside the model
        mask = mask.flatten(0, 1)
        tensor = "in.rows.attention_mask"
        bench.tensors[tensor] = mask
    axis = 2 if "attentions" in name else 1
    if value.shape[0] != mask.shape[0] or value.ndim <= axis or value.shape[axis] != mask.shape[1]:
        return {}
    return {"where": tensor, "where_dims": [0, axis]}


def spread(mask, value, where):
    shape = [1] * value.ndim
    for axis, size in zip(where["where_dims"], mask.shape):
        shape[axis] = size
    return mask.view(shape).bool().expand(value.shape)


def shake(model, relative, seed=0):
    """The model with each weight changed by about this part of it."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(1 + relative * torch.randn(value.shape, generator=rng).to(value.dtype))
    return model


def generate(id="greedy", prompts=None, steps=12, cached_only=False, **options):
    """Generation from prompts that are searched for: no near tie, some variety, one row that ends early."""
    options = {"do_sample": False, "max_new_tokens": steps} | options
    beams = options.get("num_beams", 1) > 1

    def check(bench):
        model = bench.model()
        encodes = bench.config.is_encoder_decoder
        rows = prompts or ((9, 6) if encodes else (7, 4))
        for attempt in range(400):
            inputs = text(*rows, side="right" if encodes else "left")(bench)
            found = generated(model, inputs, options, beams)
            new = found["sequences"][:, 1 if encodes else inputs["input_ids"].shape[1]:]
            kinds = min(len(set(row.tolist())) for row in new)
            may_end = not beams and "min_new_tokens" not in options
            all_run_on = may_end and int(found["lengths"].min()) == found["sequences"].shape[1]
            if kinds < max(3, 5 - attempt // 100) or all_run_on and attempt < 200 or float(found.pop("gap")) < TIE:
                continue
            alike = [generated(shake(bench.model(), 1e-4, seed), inputs, options, beams) for seed in range(3)]
            alike.append(generated(bench.model(dtype=torch.float64), inputs, options, beams))
            if not cached_only:
                alike.append(generated(bench.model(), inputs, options | {"use_cache": False}, beams))
            if all(torch.equal(one["sequences"], found["sequences"]) for one in alike):
                break
        else:
            raise AssertionError(f"{id}: every prompt leads to a near tie or to a repeated id, or the cache matters")
        if beams:
            bench.agree("sequences_scores", found["sequences_scores"], alike[3]["sequences_scores"])
        if len(rows) > 1:
            alone(bench, inputs, found["sequences"], options, encodes)
        names = bench.name_inputs(id, inputs)
        for name, value in found.items():
            bench.tensors[f"out.{id}.{name}"] = value
        bench.checks.append({"id": id, "inputs": names, "kind": "generate", "options": options,
                             "outputs": {name: {"tensor": f"out.{id}.{name}"} for name in found},
                             "with_scores": beams})

    check.generates = True
    return check


def generated(model, inputs, options, beams):
    """Ids, how many of each row count, for beams their scores, for greedy search the narrowest choice."""
    with torch.no_grad():
        result = model.generate(**inputs, **options, return_dict_in_generate=True, output_scores=True)
    prompt = 1 if model.config.is_encoder_decoder else inputs["input_ids"].shape[1]
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    lengths = []
    for row in result.sequences.tolist():
        stops = [at + 1 for at in range(prompt, len(row)) if row[at] in ends]
        lengths.append(stops[0] if stops else len(row))
    found = {"sequences": result.sequences, "lengths": torch.tensor(lengths), "gap": torch.tensor(1.0)}
    if beams:
        found["sequences_scores"] = result.sequences_scores
    else:
        for step, scores in enumerate(result.scores):
            for row, length in enumerate(lengths):
                if prompt + step < length:
                    best = scores[row].topk(2).values
                    found["gap"] = torch.minimum(found["gap"], (best[0] - best[1]).float())
    return found


def alone(bench, inputs, sequences, options, encodes):
    """The shorter row alone gives the same ids: padding is invisible."""
    width = int(inputs["attention_mask"][1].sum())
    ids = inputs["input_ids"][1:, :width] if encodes else inputs["input_ids"][1:, -width:]
    returned = options.get("num_return_sequences", 1)
    one = bench.model().generate(input_ids=ids, attention_mask=torch.ones_like(ids), **options)
    row = sequences[returned:, 0 if encodes else inputs["input_ids"].shape[1] - width:]
    length = min(row.shape[1], one.shape[1])
    if not torch.equal(row[:, :length], one[:, :length]):
        print(f"  {bench.case.name}: a padded row generates other ids than alone: {row.tolist()} {one.tolist()}")


def train(inputs, id="train", learning_rate=0.01):
    """Three steps of AdamW: losses, gradients of the first, parameters after the last."""

    def check(bench):
        arguments = inputs(bench)
        names = bench.name_inputs(id, arguments)
        optimizer = {"betas": [0.9, 0.999], "decay_all_parameters": True, "eps": 1e-4, "lr": learning_rate,
                     "name": "AdamW", "steps": 3, "weight_decay": 0.1}
        found = trained(bench.model(), arguments, optimizer)
        exact = trained(bench.model(dtype=torch.float64), arguments, optimizer)
        for name, value in found.items():
            bench.agree(f"{id} {name}", value, exact[name])
        bench.tensors |= {name if "." in name else f"out.{id}.{name}": value for name, value in found.items()}
        bench.checks.append({"gradients": "grad.", "id": id, "inputs": names, "kind": "train", "optimizer": optimizer,
                             "outputs": {"losses": {"tensor": f"out.{id}.losses"}}, "parameters_after": "step3."})

    return check


def trained(model, arguments, optimizer):
    wide = next(model.parameters()).dtype
    given = {name: value.to(wide) if value.is_floating_point() else value for name, value in arguments.items()}
    moving = [one for one in model.parameters() if one.requires_grad]
    adam = torch.optim.AdamW(moving, lr=optimizer["lr"], betas=optimizer["betas"], eps=optimizer["eps"],
                             weight_decay=optimizer["weight_decay"])
    losses, gradients = [], {}
    for step in range(optimizer["steps"]):
        adam.zero_grad()
        loss = model(**given).loss
        loss.backward()
        losses.append(loss.detach())
        if step == 0:
            gradients = {one: one.grad.clone() for one in moving if one.grad is not None}
        adam.step()
    losses.append(model(**given).loss.detach())
    found = {"losses": torch.stack(losses)}
    moved = {one: one.detach().clone() for one in gradients}
    found |= {f"grad.{name}": value for name, value in named_as_in_file(model, gradients).items()}
    return found | {f"step3.{name}": value for name, value in named_as_in_file(model, moved).items()}


def named_as_in_file(model, values):
    """Tensors by parameter, under the names and in the shapes that the parameters have in a saved file."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(values.get(parameter, torch.full_like(parameter, torch.nan)))
    buffers = {name for name, _ in model.named_buffers()}
    return {name: value for name, value in saved(model)[0].items() if name not in buffers and not value.isnan().all()}


# Making


def make(case, out):
    """Writes the case below `out`; returns a line about it."""
    folder = out / case.name
    for attempt in range(6):
        seed = zlib.crc32(case.name.encode()) % 1_000_000 + attempt
        rng = torch.Generator().manual_seed(seed)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        bench = Bench(case, folder, rng)
        try:
            lay_out(bench, seed)
            for check in case.checks:
                check(bench)
            break
        except AssertionError as refusal:
            shutil.rmtree(folder, ignore_errors=True)
            if attempt == 5:
                raise refusal
            print(f"  {case.name}: {refusal}; another seed")
    tensors = {name: value.clone(memory_format=torch.contiguous_format) for name, value in bench.tensors.items()}
    save_file(tensors, folder / "expected.safetensors", {"format": "pt"})
    write_json(folder / "case.json", {
        "case": case.name,
        "checks": bench.checks,
        "format": "weft-conformance-1",
        "made_with": {"attention": "eager", "dtype": "float32", "torch": torch.__version__.split("+")[0],
                      "transformers": transformers.__version__},
        "model_class": case.model_class,
        "model_type": case.config.model_type,
        "notes": case.notes,
        "seed": seed})
    size = sum(file.stat().st_size for file in folder.iterdir())
    return f"{size / 1000:.0f} KB, float32 within {bench.worst:.1e} of float64"


def lay_out(bench, seed):
    """Draws the weights, settles the id that ends a text, and writes the checkpoint."""
    case, folder = bench.case, bench.folder
    torch.manual_seed(seed)
    with contextlib.redirect_stderr(io.StringIO()):
        model = getattr(transformers, case.model_class)._from_config(copy.deepcopy(case.config), **EAGER).eval()
    if case.untied:
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
        del model.all_tied_weights_keys["lm_head.weight"]
    randomise(model, bench.rng, case.scales)
    generates = any(getattr(check, "generates", False) for check in case.checks)
    if generates:
        settle_generation(case, model, end_id(bench, model))
    bench.original = model
    tensors, config, generation = saved(model)
    if case.weights:
        tensors = case.weights(tensors)
    if case.published:
        config = case.published(config)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    write_json(folder / "config.json", config)
    if generates:
        write_json(folder / "generation_config.json", generation)


def settle_generation(case, model, end):
    """Makes this the end id everywhere, and the settings of the configuration those of generation_config.json."""
    for config in (case.config, model.config, getattr(case.config, "decoder", None)):
        if config is not None:
            config.eos_token_id = end
    names = ("bos_token_id", "pad_token_id", "decoder_start_token_id", "forced_eos_token_id")
    settings = {name: getattr(case.config, name, None) for name in names}
    settings = {name: value for name, value in settings.items() if value is not None} | {"eos_token_id": end}
    if "forced_eos_token_id" in settings:
        settings["forced_eos_token_id"] = end
    settings.setdefault("pad_token_id", filler(case.config))
    model.generation_config = transformers.GenerationConfig(**settings | case.generation)


def saved(model):
    """The tensors, config.json and generation_config.json that the reference saves."""
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stderr(io.StringIO()):
            model.save_pretrained(folder)
        generation = Path(folder, "generation_config.json")
        return (load_file(Path(folder, "model.safetensors")), json.loads(Path(folder, "config.json").read_text()),
                json.loads(generation.read_text()) if generation.exists() else None)


def end_id(bench, model):
    """An id that the model often comes to after a few steps: as the end id it lets some rows end early."""
    plain = copy.deepcopy(model)
    start = getattr(bench.config, "decoder_start_token_id", None)
    plain.generation_config = transformers.GenerationConfig(**{
        "pad_token_id": filler(bench.config), "decoder_start_token_id": start} | bench.case.generation)
    encodes = bench.config.is_encoder_decoder
    seen = {}
    for _ in range(12):
        inputs = text(*((9, 6) if encodes else (7, 4)), side="right" if encodes else "left")(bench)
        new = plain.generate(**inputs, do_sample=False, max_new_tokens=12, min_new_tokens=12)
        for row in new[:, 1 if encodes else inputs["input_ids"].shape[1]:].tolist():
            for one in set(row):
                seen.setdefault(one, []).append(row.index(one))
    taken = {filler(bench.config), start}
    often = {one: at for one, at in seen.items() if min(at) >= 1 and one >= FIRST_ID and one not in taken}
    assert often, "no id comes late in a generated text"
    return max(often, key=lambda one: (len(often[one]) if len(often[one]) < 12 else 0, one))


def randomise(model, rng, scales):
    """Random values for every parameter, so that each changes the answer: vectors of ones and zeros keep near to them,
    matrices keep the scale of what they are applied to."""
    embeddings = {id(one.weight) for one in model.modules() if isinstance(one, torch.nn.Embedding)}
    columns = {id(one.weight) for one in model.modules() if type(one).__name__ == "Conv1D"}
    kernels = {id(one.weight) for one in model.modules() if isinstance(one, torch.nn.Conv1d)}
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            noise = torch.randn(value.shape, generator=rng)
            if not value.requires_grad:  # tables of sines stay, as does what is computed
                if name.endswith("final_logits_bias"):
                    value.copy_(0.1 * noise)
                continue
            factor = next((scales[pattern] for pattern in scales if re.search(pattern, name)), 1.0)
            if value.ndim == 1 and torch.all(value == 1):
                value.copy_(1 + 0.1 * factor * noise)
            elif value.ndim == 1:
                value.copy_(0.1 * factor * noise)
            elif id(value) in embeddings:
                value.copy_(0.3 * factor * noise)
            else:
                inward = value.shape[0] if id(value) in columns else value[0].numel() if id(value) in kernels \
                    else value.shape[-1]
                value.copy_(1.15 * factor / inward**0.5 * noise)


def write_json(file, value):
    file.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
