"""A byte-level BPE vocabulary learned by Hugging Face's `tokenizers`: the peer of Weft's benchmark `TrainTokenizer`.

usage: train_tokenizer.py ENTRIES FILE. Prints one JSON line; the seconds include the start of Python and its imports.
"""
import json, os, sys, time
import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

entries, file = int(sys.argv[1]), sys.argv[2]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.train([file], trainers.BpeTrainer(vocab_size=entries, min_frequency=2, show_progress=False,
                                            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
    begun = int(stat.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    seconds = float(uptime.read().split()[0]) - begun
print(json.dumps(dict(peer="tokenizers " + tokenizers.__version__, bytes=os.path.getsize(file),
                      entries=tokenizer.get_vocab_size(), seconds=round(seconds, 2))))
