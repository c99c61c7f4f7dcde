"""Beam search with a Marian-base shape in plain PyTorch, timed: the peer of Weft's benchmark `Beams`.

usage: beams.py f32|bf16 [ROWS] [NEW] [RUNS]
4 beams over ROWS (1) texts of 32 tokens, NEW (64) tokens each; a preallocated cache of the decoder, keys and values of the encoder's
output computed once, random weights held in the given type, no end. Prints one JSON line.
"""
import json, sys, time
import torch, torch.nn as nn, torch.nn.functional as F

arg = lambda i, otherwise: int(sys.argv[i]) if len(sys.argv) > i else otherwise
dtype, rows, new, runs = torch.bfloat16 if sys.argv[1] == "bf16" else torch.float32, arg(2, 1), arg(3, 64), arg(4, 3)
d, heads, layers, vocab, source, beams = 512, 8, 6, 58101, 32, 4
torch.manual_seed(0)


def apart(x):
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def together(y):
    return y.transpose(1, 2).reshape(y.shape[0], -1, d)


class Block(nn.Module):
    def __init__(self, cross):
        super().__init__()
        self.qkv, self.out, self.up, self.down = nn.Linear(d, 3 * d), nn.Linear(d, d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        if cross:
            self.cq, self.ckv, self.cout, self.norm3 = nn.Linear(d, d), nn.Linear(d, 2 * d), nn.Linear(d, d), nn.LayerNorm(d)

    def forward(self, x, cache=None, at=0, seen=None):
        q, k, v = (apart(p) for p in self.qkv(x).chunk(3, -1))
        if cache is not None:
            cache[0][:, :, at : at + 1], cache[1][:, :, at : at + 1] = k, v
            k, v = cache[0][:, :, : at + 1], cache[1][:, :, : at + 1]
        x = self.norm1(x + self.out(together(F.scaled_dot_product_attention(q, k, v))))
        if seen is not None:
            x = self.norm3(x + self.cout(together(F.scaled_dot_product_attention(apart(self.cq(x)), *seen))))
        return self.norm2(x + self.down(F.silu(self.up(x))))


tokens, positions = nn.Embedding(vocab, d), nn.Embedding(512, d)
encoder, decoder = nn.ModuleList(Block(False) for _ in range(layers)), nn.ModuleList(Block(True) for _ in range(layers))
nn.ModuleList([tokens, positions, encoder, decoder]).eval().to(dtype)
bias = torch.zeros(1, vocab, dtype=dtype)
texts = torch.randint(0, vocab, (rows, source))
times = []
with torch.inference_mode():
    for run in range(runs + 1):
        start = time.perf_counter()
        x = tokens(texts) * d**0.5 + positions.weight[:source]
        for block in encoder:
            x = block(x)
        seen = [[apart(p).repeat_interleave(beams, 0) for p in block.ckv(x).chunk(2, -1)] for block in decoder]
        caches = [torch.zeros(2, rows * beams, heads, new, d // heads, dtype=dtype) for _ in decoder]
        ids = torch.full((rows * beams, 1), vocab - 1)
        scores = torch.tensor([0.0] + [-1e9] * (beams - 1)).repeat(rows)
        texts_so_far = ids
        for at in range(new):
            x = tokens(ids) * d**0.5 + positions.weight[at : at + 1]
            for block, cache, kv in zip(decoder, caches, seen):
                x = block(x, cache, at, kv)
            logs = F.log_softmax((F.linear(x[:, -1], tokens.weight) + bias).float(), -1) + scores[:, None]
            best, place = logs.view(rows, -1).topk(2 * beams, -1)
            best, place = best[:, :beams], place[:, :beams]
            origin = (place // vocab + torch.arange(rows)[:, None] * beams).flatten()
            scores, ids = best.flatten(), (place % vocab).flatten()[:, None]
            texts_so_far = torch.cat([texts_so_far[origin], ids], 1)
            for cache in caches:
                cache[:, :, :, : at + 1] = cache[:, origin, :, : at + 1]
            ids.tolist()
        if run:
            times.append(time.perf_counter() - start)
median = sorted(times)[len(times) // 2]
print(json.dumps(dict(peer="pytorch " + torch.__version__, dtype=sys.argv[1], rows=rows, beams=beams, new=new, seconds=round(median, 4), tokens_per_second=round(rows * new / median, 1))))
