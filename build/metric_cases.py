"""Makes random examples and what the reference implementations say of them.

usage: metric_cases.py OUT     (needs sacrebleu 2.6, scikit-learn, scipy, rapidfuzz and transformers 4)

seqeval, rouge_score and the script of SQuAD 1.1 are not asked: their rules stand here a second time, seqeval's as the
tables of its schemes. OUT/NAME.json holds a list of cases.
"""
import collections, functools, json, math, random, re, string, sys, types, warnings
from pathlib import Path

import numpy
from rapidfuzz.distance import Levenshtein
from sacrebleu.metrics import BLEU, CHRF
from scipy import stats
from sklearn import metrics
from transformers.data.metrics.squad_metrics import squad_evaluate

warnings.filterwarnings("ignore")
rng = random.Random(7)
WORDS = """the a an cat dogs sat Sat on mat, mat. U.S. don't e-mail 3-4 1,000.5 (maybe) "yes" naïve Straße Привет мир 東京 \U0001F44B
&amp; <skipped> x½ №5 10% $5 a/b [c] {d} it's --- ... ! ? «ja» connected connections running happily relational the the cat a
of of is is was was houses house ΟΔΟΣ İ""".split()


def number(x):
    return None if x is None or math.isnan(x) else float(x)


def sentence(low, high):
    return rng.choice([" ", " ", " ", "  ", "\u00a0"]).join(rng.choice(WORDS) for _ in range(rng.randint(low, high)))


def near(text):
    words = text.split(" ")
    for _ in range(rng.randint(0, 4)):
        at = rng.randrange(len(words) + 1)
        words[at:at + rng.randint(0, 1)] = [rng.choice(WORDS)] * rng.randint(0, 2)
    return " ".join(words)


def averages(expected, predicted, labels, zero, names):
    found = {}
    for name in names:
        p, r, f, _ = metrics.precision_recall_fscore_support(expected, predicted, labels=labels, average=name, zero_division=zero)
        found |= {f"precision_{name}": p, f"recall_{name}": r, f"f1_{name}": f}
    return found


def classification():
    for _ in range(60):
        labels = [f"label {i}" for i in range(rng.randint(1, 5))]
        n = rng.choice([1, 2, 5, 30])
        expected = [rng.choice(labels) for _ in range(n)]
        predicted = [e if rng.random() < 0.5 else rng.choice(labels + ["other"]) for e in expected]
        zero = rng.randint(0, 1)
        yield {"predicted": predicted, "expected": expected, "zero_division": zero, "values": {
            "accuracy": metrics.accuracy_score(expected, predicted),
            "matthews_correlation": metrics.matthews_corrcoef(expected, predicted),
            **averages(expected, predicted, None, zero, ["micro", "macro", "weighted"])}}


def multi_label():
    for _ in range(50):
        labels = [f"l{i}" for i in range(rng.randint(1, 5))]
        n = rng.choice([1, 2, 20])
        expected = numpy.array([[int(rng.random() < 0.4) for _ in labels] for _ in range(n)])
        predicted = numpy.array([[e if rng.random() < 0.6 else 1 - e for e in row] for row in expected])
        zero = rng.randint(0, 1)
        named = lambda rows: [[l for l, on in zip(labels, row) if on] for row in rows]
        if len(labels) == 1:  # a matrix with one column is not taken as labels
            wide = lambda rows: numpy.concatenate([rows, numpy.zeros_like(rows)], axis=1)
            values = {"accuracy": metrics.accuracy_score(wide(expected), wide(predicted))}
        else:
            values = {"accuracy": metrics.accuracy_score(expected, predicted),
                      "hamming_loss": metrics.hamming_loss(expected, predicted),
                      "jaccard_samples": metrics.jaccard_score(expected, predicted, average="samples", zero_division=zero),
                      **averages(expected, predicted, None, zero, ["micro", "macro", "weighted", "samples"])}
        yield {"labels": labels, "predicted": named(predicted), "expected": named(expected), "zero_division": zero, "values": values}


def roc_auc():
    for _ in range(40):
        n = rng.randint(2, 30)
        expected = [0, 1] + [rng.randint(0, 1) for _ in range(n)]
        scores = [round(rng.gauss(e, 1), rng.randint(0, 2)) for e in expected]
        yield {"labels": ["yes"], "scores": [[s] for s in scores], "expected": [["yes"] if e else [] for e in expected],
               "values": {"roc_auc": metrics.roc_auc_score(expected, scores)}}
    for _ in range(20):
        k = rng.randint(3, 5)
        labels = [f"l{i}" for i in range(k)]
        expected = list(range(k)) + [rng.randrange(k) for _ in range(rng.randint(0, 20))]
        raw = numpy.array([[rng.randint(1, 4) + 2 * (i == e) for i in range(k)] for e in expected], dtype=float)
        scores = raw / raw.sum(axis=1, keepdims=True)
        yield {"labels": labels, "scores": scores.tolist(), "expected": [[labels[e]] for e in expected], "values": {
            "roc_auc": metrics.roc_auc_score(expected, scores, multi_class="ovr", average="macro"),
            "roc_auc_weighted": metrics.roc_auc_score(expected, scores, multi_class="ovr", average="weighted")}}


def regression():
    for i in range(40):
        n = rng.randint(2, 25)
        expected = [round(rng.gauss(3, 2), rng.randint(0, 3)) for _ in range(n)]
        predicted = [0.1] * n if i == 0 else [round(e + rng.gauss(0, 1), rng.randint(0, 2)) for e in expected]
        yield {"predicted": predicted, "expected": expected, "values": {
            "pearson": number(stats.pearsonr(predicted, expected)[0]), "spearmanr": number(stats.spearmanr(predicted, expected)[0]),
            "mse": metrics.mean_squared_error(expected, predicted), "mae": metrics.mean_absolute_error(expected, predicted)}}


# Pairs of marks after which an entity starts, goes on and ends: s same type, d different type, a any.
SCHEMES = {
    "IOB1": ("OIa IId BIa IBs BBs", "BIs IIs", "IId IOa IBa BOa BId BBs"),
    "IOB2": ("*Ba", "BIs IIs", "IOa IId IBa BOa BId BBa"),
    "IOE2": ("OIa OEa EIa EEa IId IEd", "IEs IIs", "E*a"),
    "IOBES": ("*Ba *Sa", "BIs BEs IIs IEs", "S*a E*a"),
    "BILOU": ("*Ba *Ua", "BIs BLs IIs ILs", "U*a L*a"),
}


def fits(rules, before, tag):
    return any(a in ("*", before[0]) and b in ("*", tag[0]) and (how == "a" or (how == "s") == (before[2:] == tag[2:]))
               for a, b, how in rules.split())


def strict(tags, scheme):
    starts, inside, ends = SCHEMES[scheme]
    tags = tags + ["O"]
    found, i, before = [], 0, "O"
    while i < len(tags):
        j = i + 1
        if fits(starts, before, tags[i]):
            while fits(inside, tags[j - 1], tags[j]):
                j += 1
            if fits(ends, tags[j - 1], tags[j]):
                found.append((tags[i][2:], i, j))
        before, i = tags[j - 1], j
    return found


def lenient(tags):
    found, start = [], None
    for i, (before, tag) in enumerate(zip(["O"] + tags, tags + ["O"])):
        if start is not None and (before[0] in "ES" or tag[0] in "BSO" or before[2:] != tag[2:]):
            found.append((tags[start][2:], start, i))
            start = None
        if tag != "O" and start is None:
            start = i
    return found


def entities():
    for scheme, marks in [("LENIENT", "BIES"), ("LENIENT", "BI"), ("IOB1", "BI"), ("IOB2", "BI"), ("IOE2", "IE"), ("IOBES", "BIES"), ("BILOU", "BILU")]:
        split = lenient if scheme == "LENIENT" else functools.partial(strict, scheme=scheme)
        for _ in range(15):
            tag = lambda: rng.choice(["O"] + [f"{m}-{t}" for m in marks for t in ("PER", "LOC")])
            expected = [[tag() for _ in range(rng.randint(0, 9))] for _ in range(rng.randint(1, 5))]
            predicted = [[t if rng.random() < 0.8 else tag() for t in tags] for tags in expected]
            said = {(i, *e) for i, tags in enumerate(predicted) for e in split(tags)}
            wanted = {(i, *e) for i, tags in enumerate(expected) for e in split(tags)}
            f1 = lambda s, w: 2 * len(s & w) / (len(s) + len(w)) if s or w else 0.0
            kinds = sorted({e[1] for e in said | wanted})
            one = [(f1(s := {e for e in said if e[1] == k}, w := {e for e in wanted if e[1] == k}), len(w)) for k in kinds]
            weights = sum(w for _, w in one)
            yield {"scheme": scheme, "predicted": predicted, "expected": expected, "values": {
                "overall_precision": len(said & wanted) / len(said) if said else 0.0,
                "overall_recall": len(said & wanted) / len(wanted) if wanted else 0.0, "overall_f1": f1(said, wanted),
                "f1_macro": sum(f for f, _ in one) / len(one) if one else 0.0,
                "f1_weighted": sum(f * w for f, w in one) / weights if weights else 0.0}}


def normalised(text):
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def squad():
    for _ in range(40):
        asked, said, nothing = [], {}, {}
        for i in range(rng.randint(2, 12)):
            golds = [sentence(1, 4) for _ in range(rng.randint(0 if i else 1, 3))]
            if i == 1:
                golds = []
            asked.append(types.SimpleNamespace(qas_id=str(i), answers=[{"text": g} for g in golds]))
            said[str(i)] = near(rng.choice(golds)) if golds and rng.random() < 0.7 else rng.choice(["", "the", sentence(1, 3)])
            nothing[str(i)] = round(rng.random(), 1)
        found = squad_evaluate(asked, said, dict(nothing))
        yield {"version": 2, "predicted": list(said.values()), "expected": [[a["text"] for a in q.answers] for q in asked],
               "no_answer": list(nothing.values()), "values": {k: float(v) for k, v in found.items() if "total" not in k}}
    for _ in range(20):
        golds = [[sentence(1, 4) for _ in range(rng.randint(1, 3))] for _ in range(5)]
        said = [rng.choice(["", "the", near(g[0]), g[-1].upper()]) for g in golds]
        def f1(a, b):
            a, b = normalised(a), normalised(b)
            same = sum((collections.Counter(a) & collections.Counter(b)).values())
            return 0.0 if same == 0 else 2 * (same / len(a)) * (same / len(b)) / (same / len(a) + same / len(b))
        yield {"version": 1, "predicted": said, "expected": golds, "no_answer": [0.0] * 5, "values": {
            "exact_match": 100 * sum(max(normalised(p) == normalised(g) for g in gs) for p, gs in zip(said, golds)) / 5,
            "f1": 100 * sum(max(f1(p, g) for g in gs) for p, gs in zip(said, golds)) / 5}}


def corpus(several):
    n = rng.choice([1, 1, 3, 5])
    references = [[sentence(0 if rng.random() < 0.1 else 1, 14) for _ in range(several)] for _ in range(n)]
    said = ["" if rng.random() < 0.05 else rng.choice(["", " ", "\n"]) + near(rng.choice(rs)) + rng.choice(["", " ", "."]) for rs in references]
    if several > 1 and rng.random() < 0.3:
        references[-1][-1] = None
    return said, references


def kept(references):
    return [[r for r in rs if r is not None] for rs in references]


def bleu():
    for i in range(90):
        said, references = corpus(rng.randint(1, 3))
        smooth = rng.choice([("exp", None), ("exp", None), ("none", None), ("floor", None), ("floor", 0.01), ("add-k", None), ("add-k", 0.5)])
        how = {"tokenize": rng.choice(["13a", "13a", "intl", "char", "none"]), "lowercase": rng.random() < 0.3,
               "smooth_method": smooth[0], "smooth_value": smooth[1], "effective_order": rng.random() < 0.3}
        metric = BLEU(**how)
        score = metric.corpus_score(said, list(zip(*references)))
        how["smooth_value"] = smooth[1] if smooth[1] is not None else BLEU.SMOOTH_DEFAULTS[smooth[0]]
        yield {"predicted": said, "expected": kept(references), **how, "score": score.score, "signature": metric.get_signature().format(),
               "line": score.format(width=2, signature="")[len("BLEU = "):]}


def chrf():
    for i in range(60):
        said, references = corpus(rng.randint(1, 3))
        how = {"word_order": rng.choice([0, 0, 2]), "beta": rng.choice([2, 2, 1, 3]), "lowercase": rng.random() < 0.3,
               "whitespace": rng.random() < 0.3, "eps_smoothing": rng.random() < 0.3}
        metric = CHRF(**how)
        score = metric.corpus_score(said, list(zip(*references)))
        yield {"predicted": said, "expected": kept(references), **how, "score": score.score, "signature": metric.get_signature().format()}


def tokenizers():
    marks = string.punctuation + string.punctuation + "09 aZé½№€—…“”«»\u0301\u00a0\u3000\u2028東\U0001F44B\u00ad\u200b\t"
    for i in range(150):
        text = "".join(rng.choice(marks) for _ in range(rng.randint(0, 24))) + rng.choice(["", "&quot;x&lt;", "<skipped>", "1.", "-\nx\ny"])
        yield {"text": text, **{name: BLEU(tokenize=name).tokenizer(text.rstrip()).split() for name in ("13a", "intl", "char")}}


def words(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).split()


def longest(wanted, said):
    @functools.cache
    def length(i, j):
        if i == 0 or j == 0:
            return 0
        return length(i - 1, j - 1) + 1 if wanted[i - 1] == said[j - 1] else max(length(i - 1, j), length(i, j - 1))
    places, i, j = set(), len(wanted), len(said)
    while i and j:
        if wanted[i - 1] == said[j - 1]:
            i, j = i - 1, j - 1
            places.add(i)
        elif length(i, j - 1) > length(i - 1, j):
            j -= 1
        else:
            i -= 1
    return places


def rouge_one(kind, wanted, said):
    if kind == "rougeLsum":
        wanted, said = ([words(line) for line in text.split("\n")] for text in (wanted, said))
        left, leftwanted = (collections.Counter(w for line in lines for w in line) for lines in (said, wanted))
        hits = 0
        for line in wanted:
            for i in sorted(set().union(*(longest(tuple(line), tuple(s)) for s in said))):
                if left[line[i]] > 0 and leftwanted[line[i]] > 0:
                    hits += 1
                    left[line[i]] -= 1
                    leftwanted[line[i]] -= 1
        p, r = sum(map(len, said)), sum(map(len, wanted))
    else:
        wanted, said = words(wanted), words(said)
        if kind == "rougeL":
            hits, p, r = len(longest(tuple(wanted), tuple(said))), len(said), len(wanted)
        else:
            n = int(kind[-1])
            a, b = (collections.Counter(tuple(x[i:i + n]) for i in range(len(x) - n + 1)) for x in (wanted, said))
            hits, p, r = sum((a & b).values()), sum(b.values()), sum(a.values())
    p, r = hits / max(p, 1), hits / max(r, 1)
    return 2 * p * r / (p + r) if p + r else 0.0


def rouge():
    for _ in range(50):
        lines = lambda: "\n".join(sentence(0, 9) for _ in range(rng.randint(1, 3)))
        references = [[lines() for _ in range(rng.randint(1, 2))] for _ in range(rng.randint(1, 3))]
        said = [rng.choice(["", near(rs[0]), near(rs[0]), lines()]) for rs in references]
        yield {"predicted": said, "expected": references, "values": {
            k: sum(max(rouge_one(k, r, p) for r in rs) for p, rs in zip(said, references)) / len(said)
            for k in ("rouge1", "rouge2", "rougeL", "rougeLsum")}}


def errors():
    for _ in range(60):
        expected = [sentence(1, 8) for _ in range(rng.randint(1, 4))]
        heard = [rng.choice(["", near(e), near(e), " " + sentence(0, 9)]) for e in expected]
        def rate(units):
            pairs = [(units(h), units(e)) for h, e in zip(heard, expected)]
            return sum(Levenshtein.distance(h, e) for h, e in pairs) / sum(len(e) for _, e in pairs)
        yield {"predicted": heard, "expected": expected, "values": {"wer": rate(str.split), "cer": rate(str.strip)}}


def calibration():
    for _ in range(30):
        bins, n = rng.choice([1, 5, 10, 15]), rng.randint(1, 60)
        sure = numpy.array([rng.choice([round(rng.random(), 2), rng.random(), 0.0, 1.0]) for _ in range(n)])
        right = numpy.array([rng.random() < s for s in sure])
        borders, total, worst = [i / bins for i in range(bins + 1)], 0.0, 0.0
        for low, high in zip(borders, borders[1:]):
            here = (sure > low) & (sure <= high) | ((sure == 0) if low == 0 else False)
            if here.any():
                gap = abs(right[here].mean() - sure[here].mean())
                total, worst = total + gap * here.mean(), max(worst, gap)
        yield {"bins": bins, "predicted": sure.tolist(), "expected": right.tolist(), "values": {
            "expected_calibration_error": total, "maximum_calibration_error": float(worst)}}


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    for cases in (classification, multi_label, roc_auc, regression, entities, squad, bleu, chrf, tokenizers, rouge, errors, calibration):
        rng.seed(7)
        lines = [json.dumps(case, default=float, ensure_ascii=False, separators=(",", ":")) for case in cases()]
        (out / f"{cases.__name__}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
        print(cases.__name__, len(lines))


main(Path(sys.argv[1]))
