"""Vectors of sentences by BERT-base in plain PyTorch, timed: the peer of Weft's benchmark `Sentences`.

usage: sentences.py f32|bf16 [COUNT] [BATCH]
COUNT sentences (1000) of 8 to 256 tokens, the same lengths as Weft's, in batches of BATCH (32) as they stand in the file, each
padded to its longest; random weights held in the given type, mean over the real tokens. Prints one JSON line.
"""
import json, sys, time
import torch, torch.nn as nn, torch.nn.functional as F

dtype = torch.bfloat16 if sys.argv[1] == "bf16" else torch.float32
count, batch = int(sys.argv[2]) if len(sys.argv) > 2 else 1000, int(sys.argv[3]) if len(sys.argv) > 3 else 32
torch.manual_seed(0)
lengths = [8 + i * 7919 % 249 for i in range(count)]


class Block(nn.Module):
    def __init__(self, d=768):
        super().__init__()
        self.qkv, self.out, self.up, self.down = nn.Linear(d, 3 * d), nn.Linear(d, d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)

    def forward(self, x, mask):
        b, t, d = x.shape
        q, k, v = (p.view(b, t, 12, -1).transpose(1, 2) for p in self.qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(b, t, d)
        x = self.norm1(x + self.out(y))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


tokens, positions, norm, blocks = nn.Embedding(30522, 768), nn.Embedding(512, 768), nn.LayerNorm(768), nn.ModuleList(Block() for _ in range(12))
nn.ModuleList([tokens, positions, norm, blocks]).eval().to(dtype)


def embed(lengths):
    longest = max(lengths)
    keep = torch.arange(longest)[None] < torch.tensor(lengths)[:, None]
    x = norm(tokens(torch.randint(0, 30522, (len(lengths), longest))) + positions.weight[:longest])
    for block in blocks:
        x = block(x, keep[:, None, None])
    return (x * keep[..., None]).sum(1) / keep.sum(1, keepdim=True)


with torch.inference_mode():
    embed(lengths[:batch])
    start = time.perf_counter()
    for i in range(0, count, batch):
        embed(lengths[i : i + batch]).float().tolist()
    seconds = time.perf_counter() - start
print(json.dumps(dict(peer="pytorch " + torch.__version__, dtype=sys.argv[1], sentences=count, batch=batch, seconds=round(seconds, 2), per_second=round(count / seconds, 2))))
