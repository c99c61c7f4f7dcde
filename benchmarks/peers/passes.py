"""One pass through BERT-base or GPT-2 124M in plain PyTorch, timed: the peer of Weft's benchmark `Passes`.

usage: passes.py encode|prefill|train f32|bf16 [RUNS]
encode: BERT-base, 8 x 128; prefill: GPT-2 124M, 1 x 512, logits of all positions; train: a masked-language step of BERT-base,
16 x 128, weights in float32, bf16 by autocast, fused AdamW. Random weights, no padding. Prints one JSON line.
"""
import json, sys, time
import torch, torch.nn as nn, torch.nn.functional as F

kind, dtype, runs = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 7
causal = kind == "prefill"
vocab, batch, seq = (50257, 1, 512) if causal else (30522, 8 if kind == "encode" else 16, 128)
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, d=768, heads=12):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)

    def attend(self, x):
        b, t, d = x.shape
        q, k, v = (p.view(b, t, self.heads, -1).transpose(1, 2) for p in self.qkv(x).chunk(3, -1))
        return self.out(F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).reshape(b, t, d))

    def forward(self, x):
        if causal:
            x = x + self.attend(self.norm1(x))
            return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))
        x = self.norm1(x + self.attend(x))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Model(nn.Module):
    def __init__(self, d=768):
        super().__init__()
        self.tokens, self.positions, self.norm = nn.Embedding(vocab, d), nn.Embedding(1024, d), nn.LayerNorm(d)
        self.blocks = nn.ModuleList(Block() for _ in range(12))
        self.dense, self.dense_norm = nn.Linear(d, d), nn.LayerNorm(d)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        x = x if causal else self.norm(x)
        for block in self.blocks:
            x = block(x)
        if kind == "encode":
            return x
        x = self.norm(x) if causal else self.dense_norm(F.gelu(self.dense(x)))
        return F.linear(x, self.tokens.weight)


model = Model()
ids = torch.randint(0, vocab, (batch, seq))
times = []
if kind == "train":
    labels = torch.where(torch.rand(batch, seq) < 0.15, ids, -100)
    used = [p for p in model.parameters()]
    optimizer = torch.optim.AdamW(used, lr=1e-4, fused=True)
else:
    model.eval()
    if dtype == "bf16":
        model.bfloat16()
for run in range(runs + 2):
    start = time.perf_counter()
    if kind == "train":
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bf16"):
            logits = model(ids)
            loss = F.cross_entropy(logits.view(-1, vocab).float(), labels.view(-1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    else:
        with torch.inference_mode():
            model(ids)
    if run >= 2:
        times.append(time.perf_counter() - start)
times.sort()
print(json.dumps(dict(peer="pytorch " + torch.__version__, kind=kind, dtype=dtype, seconds=round(times[len(times) // 2], 4))))
