"""Encoder-only families: masked language models, classification, questions, choices."""

import torch
from transformers import (
    AlbertConfig,
    BertConfig,
    BigBirdConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    LongformerConfig,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
    RoFormerConfig,
    XLMRobertaConfig,
)

from cases.making import (
    Case,
    choices,
    forward,
    generate,
    one_of,
    one_of_each,
    place,
    place_or_outside,
    same_ids,
    several_of,
    some_ids,
    text,
    train,
    version4,
    with_more,
    zero_or_one,
)

SMALL = dict(vocab_size=47, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=40, pad_token_id=0)
TINY = dict(vocab_size=41)
ONE = dict(num_hidden_layers=1)  # enough where only the head is new
LABELS = dict(id2label={0: "red", 1: "green", 2: "blue"}, label2id={"red": 0, "green": 1, "blue": 2})
FAIRSEQ = SMALL | dict(pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5)
FILES = version4("is_decoder", "add_cross_attention", "classifier_dropout", "use_cache", "tie_word_embeddings",
                 "bos_token_id", "eos_token_id")


def words(segments=True):
    return forward(text(12, 9, segments=segments, labels=some_ids))


def label(segments=True, attentions=False):
    return forward(text(12, 9, segments=segments, labels=one_of(3)), attentions=attentions)


def tags(segments=True):
    return forward(text(12, 9, segments=segments, labels=one_of_each(3)), attentions=False)


def answer(segments=True):
    return forward(text(12, 9, segments=segments, start_positions=place, end_positions=place), attentions=False)


def choice(segments=True):
    return forward(choices(segments=segments), attentions=False)


def question(separator, start=None, between=1, rows=(14, 11)):
    """A question and its context: start, three ids, `between` separators, the context, a separator, padding."""

    def build(bench):
        inputs = text(*rows, start_positions=place, end_positions=place)(bench)
        ids = inputs["input_ids"]
        ids[ids == separator] = separator + 1
        if start is not None:
            ids[:, 0] = start
        for row, length in enumerate(rows):
            ids[row, 4 + row:4 + row + between] = separator
            ids[row, length - 1] = separator
        inputs["start_positions"], inputs["end_positions"] = torch.tensor([8, 7]), torch.tensor([9, 9])
        return inputs

    return build


def cases():
    return [*shared_layers(), *detectors(), *relative(), *modern(), *bert(), *roberta(), *distilled(), *rotary(),
            *sparse()]


def shared_layers():
    albert = SMALL | dict(embedding_size=12, bos_token_id=2, eos_token_id=3)
    files = version4("tie_word_embeddings", down_scale_factor=1, gap_size=0, net_structure_type=0, num_memory_blocks=0)
    return [
        Case("albert-masked-lm", "AlbertForMaskedLM", AlbertConfig(**albert | TINY | dict(num_hidden_layers=3)),
             [words(), train(text(8, 6, segments=True, labels=some_ids))],
             "three layers share one set of weights; embeddings narrower than the layers; tied decoder; gelu_new",
             files),
        Case("albert-pretraining", "AlbertForPreTraining", AlbertConfig(**albert),
             [forward(text(12, 9, segments=True, labels=some_ids, sentence_order_label=one_of(2))),
              forward(text(10, 7), id="backbone", attentions=False, model_class="AlbertModel")],
             "both heads; the same file as AlbertModel, whose pooler is a bare linear map with tanh", files),
        Case("albert-groups", "AlbertForMaskedLM",
             AlbertConfig(**albert | dict(num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2)),
             [forward(text(12, 9, segments=True, labels=some_ids), attentions=False, leave_out=(r"hidden_states.*",))],
             "four layers, two groups of two inner layers each; what lies between is left out, as versions of the "
             "reference count it differently",
             files),
        Case("albert-sequence-classification", "AlbertForSequenceClassification", AlbertConfig(**albert, **LABELS),
             [label()], "", files),
        Case("albert-token-classification", "AlbertForTokenClassification", AlbertConfig(**albert, **LABELS), [tags()]),
        Case("albert-question-answering", "AlbertForQuestionAnswering", AlbertConfig(**albert), [answer()]),
        Case("albert-multiple-choice", "AlbertForMultipleChoice", AlbertConfig(**albert), [choice()],
             "ids are [batch, choices, seq]"),
    ]


def detectors():
    """ELECTRA."""
    electra = SMALL | dict(embedding_size=12)
    files = version4("is_decoder", "add_cross_attention", "classifier_dropout", "use_cache", "tie_word_embeddings",
                     "bos_token_id", "eos_token_id")
    return [
        Case("electra-pretraining", "ElectraForPreTraining", ElectraConfig(**electra | TINY),
             [forward(text(12, 9, segments=True, labels=zero_or_one)),
              train(text(8, 6, segments=True, labels=zero_or_one))],
             "the discriminator: one logit a position; padded positions do not count in the loss", files),
        Case("electra-masked-lm", "ElectraForMaskedLM", ElectraConfig(**electra), [words()],
             "the generator: embeddings projected up, predictions from the narrow width; tied head", files),
        Case("electra-same-width", "ElectraForPreTraining", ElectraConfig(**SMALL, embedding_size=16),
             [forward(text(12, 9, labels=zero_or_one), attentions=False)],
             "no projection behind the embeddings", files),
        Case("electra-sequence-classification", "ElectraForSequenceClassification",
             ElectraConfig(**electra | ONE, **LABELS), [label()], "gelu between dense and out_proj", files),
        Case("electra-token-classification", "ElectraForTokenClassification", ElectraConfig(**electra | ONE, **LABELS),
             [tags()]),
        Case("electra-question-answering", "ElectraForQuestionAnswering", ElectraConfig(**electra | ONE), [answer()]),
        Case("electra-multiple-choice", "ElectraForMultipleChoice", ElectraConfig(**electra | ONE), [choice()],
             "a summary with its own projection and activation in place of a pooler"),
    ]


def relative():
    """MPNet and DeBERTa."""
    mpnet = FAIRSEQ
    deberta = SMALL | dict(relative_attention=True, position_buckets=4, norm_rel_ebd="layer_norm", share_att_key=True,
                           pos_att_type="p2c|c2p", max_relative_positions=-1, position_biased_input=False,
                           type_vocab_size=0, layer_norm_eps=1e-7)
    files = version4("tie_word_embeddings", "bos_token_id", "eos_token_id", "legacy", "pooler_dropout",
                     "pooler_hidden_act", "pooler_hidden_size", "pad_token_id", pos_att_type="p2c|c2p")
    return [
        Case("mpnet-masked-lm", "MPNetForMaskedLM", MPNetConfig(**mpnet), [words(False)],
             "one table of 32 relative positions for all layers; positions counted behind the pad id",
             version4("tie_word_embeddings")),
        Case("mpnet-sequence-classification", "MPNetForSequenceClassification", MPNetConfig(**mpnet | ONE, **LABELS),
             [label(False)]),
        Case("deberta-v2-masked-lm", "DebertaV2ForMaskedLM", DebertaV2Config(**deberta | TINY),
             [words(False), train(text(8, 6, labels=some_ids))],
             "the form of DeBERTa-v3: log buckets, normed table of relative positions, shared keys; head named `cls`",
             files),
        Case("deberta-v2-new-head", "DebertaV2ForMaskedLM",
             DebertaV2Config(**deberta, legacy=False, tie_word_embeddings=False),
             [forward(text(12, 9, labels=some_ids), attentions=False)],
             "legacy false: the head is called lm_predictions.lm_head, as in the published files; whatever "
             "tie_word_embeddings says (the reference fails on true), it multiplies with the word embeddings"),
        Case("deberta-v2-xlarge", "DebertaV2ForMaskedLM",
             DebertaV2Config(**deberta | dict(type_vocab_size=2), conv_kernel_size=3, conv_act="gelu"), [words()],
             "a convolution beside the first layer; segments",
             version4("tie_word_embeddings", "bos_token_id", "eos_token_id", "legacy", attention_head_size=4)),
        Case("deberta-v2-own-keys", "DebertaV2ForMaskedLM",
             DebertaV2Config(**deberta | dict(share_att_key=False, position_buckets=-1, norm_rel_ebd="none",
                                              max_relative_positions=8, position_biased_input=True)), [words(False)],
             "keys and queries of their own for positions, plain distances, absolute positions too"),
        Case("deberta-v2-sequence-classification", "DebertaV2ForSequenceClassification",
             DebertaV2Config(**deberta, **LABELS), [label(False, attentions=True)], "pooler with gelu", files),
        Case("deberta-v2-token-classification", "DebertaV2ForTokenClassification",
             DebertaV2Config(**deberta | ONE, **LABELS), [tags(False)], "", files),
        Case("deberta-v2-question-answering", "DebertaV2ForQuestionAnswering",
             DebertaV2Config(**deberta | ONE), [answer(False)], "", files),
        Case("deberta-v2-multiple-choice", "DebertaV2ForMultipleChoice",
             DebertaV2Config(**deberta | ONE), [choice(False)], "", files),
    ]


def modern():
    """ModernBERT."""
    modernbert = SMALL | dict(intermediate_size=20, num_hidden_layers=4, num_attention_heads=2, local_attention=6,
                              cls_token_id=1, bos_token_id=1, sep_token_id=2, eos_token_id=2)

    def files(config):
        rope = config["rope_parameters"]
        config = version4("tie_word_embeddings", gradient_checkpointing=False, layer_norm_eps=1e-5,
                          position_embedding_type="absolute", global_attn_every_n_layers=3, reference_compile=False)(
            config | {"rope_parameters": None})
        return config | {"global_rope_theta": rope["full_attention"]["rope_theta"],
                         "local_rope_theta": rope["sliding_attention"]["rope_theta"]}

    def last(layers):  # versions of the reference disagree on whether it comes before or after the final norm
        return rf"hidden_states\.{layers}"

    rows = (14, 10)
    return [
        Case("modernbert-masked-lm", "ModernBertForMaskedLM",
             ModernBertConfig(**modernbert | TINY | dict(num_hidden_layers=3)),
             [forward(text(*rows, labels=some_ids), leave_out=(last(3),)), train(text(10, 7, labels=some_ids))],
             "local layers see three places to each side; theta differs; layer 0 has no first norm; version-4 "
             "config.json", files),
        Case("modernbert-sequence-classification", "ModernBertForSequenceClassification",
             ModernBertConfig(**modernbert, **LABELS),
             [forward(text(*rows, labels=one_of(3)), leave_out=(last(4),))], "cls pooling"),
        Case("modernbert-mean-pooling", "ModernBertForSequenceClassification",
             ModernBertConfig(**modernbert, **LABELS, classifier_pooling="mean"),
             [forward(text(*rows, labels=one_of(3)), attentions=False, leave_out=(last(4),))],
             "mean over what is not padding", files),
        Case("modernbert-biases", "ModernBertForMaskedLM",
             ModernBertConfig(**modernbert | dict(num_hidden_layers=2), attention_bias=True, mlp_bias=True,
                              norm_bias=True, classifier_bias=True, decoder_bias=False),
             [forward(text(*rows, labels=some_ids), attentions=False, leave_out=(last(2),))],
             "all biases the published files do not have"),
        Case("modernbert-token-classification", "ModernBertForTokenClassification",
             ModernBertConfig(**modernbert | dict(num_hidden_layers=2), **LABELS),
             [forward(text(*rows, labels=one_of_each(3)), attentions=False, leave_out=(last(2),))], "", files),
    ]


def bert():
    small = SMALL | ONE | dict(bos_token_id=None, eos_token_id=None)
    decoder = SMALL | dict(bos_token_id=1, eos_token_id=2)
    return [
        Case("bert-multiple-choice", "BertForMultipleChoice", BertConfig(**small), [choice()], "", FILES),
        Case("bert-multi-label", "BertForSequenceClassification",
             BertConfig(**small, **LABELS, problem_type="multi_label_classification"),
             [forward(text(12, 9, segments=True, labels=several_of(3)), attentions=False)],
             "several labels at once: binary cross entropy"),
        Case("bert-causal-lm", "BertLMHeadModel", BertConfig(**decoder, is_decoder=True),
             [forward(text(12, 9, segments=True, labels=same_ids)),
              forward(text(9, 6, side="left", positions=True), id="left_padded", attentions=False), generate()],
             "a decoder: causal mask, labels shifted inside", version4("classifier_dropout", "tie_word_embeddings")),
    ]


def roberta():
    small = FAIRSEQ | dict(type_vocab_size=1)
    files = version4("is_decoder", "add_cross_attention", "classifier_dropout", "use_cache", "tie_word_embeddings")
    return [
        Case("roberta-token-classification", "RobertaForTokenClassification", RobertaConfig(**small | ONE, **LABELS),
             [tags(False)], "", files),
        Case("roberta-question-answering", "RobertaForQuestionAnswering", RobertaConfig(**small | ONE),
             [answer(False), forward(text(12, 9, start_positions=place_or_outside, end_positions=place), id="outside",
                                     attentions=False)], "a start beyond the text does not count", files),
        Case("roberta-multiple-choice", "RobertaForMultipleChoice", RobertaConfig(**small | ONE), [choice(False)]),
        Case("roberta-causal-lm", "RobertaForCausalLM", RobertaConfig(**small, is_decoder=True),
             [forward(text(12, 9, labels=same_ids)), generate()], "a decoder; positions counted behind the pad id"),
        Case("xlm-roberta-masked-lm", "XLMRobertaForMaskedLM", XLMRobertaConfig(**small), [words(False)], "",
             version4("is_decoder", "add_cross_attention", "classifier_dropout", "use_cache", "tie_word_embeddings",
                      output_past=True)),
        Case("xlm-roberta-token-classification", "XLMRobertaForTokenClassification",
             XLMRobertaConfig(**small | ONE, **LABELS), [tags(False)], "", files),
    ]


def distilled():
    small = dict(vocab_size=47, dim=16, hidden_dim=20, n_layers=2, n_heads=4, max_position_embeddings=40)
    files = version4("tie_word_embeddings", "bos_token_id", "eos_token_id", tie_weights_=True)
    return [
        Case("distilbert-masked-lm", "DistilBertForMaskedLM", DistilBertConfig(**small), [words(False)],
             "vocab_transform, vocab_layer_norm, vocab_projector; tied", files),
        Case("distilbert-question-answering", "DistilBertForQuestionAnswering",
             DistilBertConfig(**small | dict(n_layers=1)),
             [answer(False)], "", files),
        Case("distilbert-token-classification", "DistilBertForTokenClassification",
             DistilBertConfig(**small | dict(n_layers=1), **LABELS), [tags(False)], "", files),
        Case("distilbert-multiple-choice", "DistilBertForMultipleChoice", DistilBertConfig(**small | dict(n_layers=1)),
             [choice(False)]),
        Case("distilbert-model", "DistilBertModel", DistilBertConfig(**small), [forward(text(12, 9), attentions=False)],
             "the bare model: names without `distilbert.`", files),
    ]


def rotary():
    """RoFormer."""
    small = SMALL | dict(hidden_size=16, embedding_size=12)
    return [
        Case("roformer-sequence-classification", "RoFormerForSequenceClassification",
             RoFormerConfig(**small | ONE, **LABELS), [label()], "dense, hidden_act, out_proj"),
        Case("roformer-question-answering", "RoFormerForQuestionAnswering", RoFormerConfig(**small | ONE), [answer()]),
        Case("roformer-multiple-choice", "RoFormerForMultipleChoice", RoFormerConfig(**small | ONE), [choice()],
             "a summary in place of a pooler"),
        Case("roformer-rotary-value", "RoFormerForMaskedLM",
             RoFormerConfig(**small | dict(embedding_size=16), rotary_value=True), [words()],
             "values rotate as well; no projection behind the embeddings", FILES),
    ]


def sparse():
    """BigBird and Longformer."""
    bigbird = SMALL | dict(bos_token_id=1, eos_token_id=2, sep_token_id=3)
    blocks = bigbird | dict(max_position_embeddings=96, block_size=4, num_random_blocks=1)
    longformer = FAIRSEQ | dict(sep_token_id=2, attention_window=[4, 4], type_vocab_size=1)

    def long(*rows, **more):
        return forward(text(*rows, **more), attentions=False)

    def two_global(bench, ids, mask):
        chosen = torch.zeros_like(ids)
        chosen[0, 0] = chosen[0, 5] = chosen[1, 0] = 1
        return chosen

    return [
        Case("bigbird-original-full", "BigBirdForMaskedLM", BigBirdConfig(**bigbird, attention_type="original_full"),
             [words()], "plain attention", FILES),
        Case("bigbird-falls-back", "BigBirdForSequenceClassification", BigBirdConfig(**blocks, **LABELS),
             [label(attentions=True)], "block-sparse by its configuration, but the text is too short for that",
             version4()),
        Case("bigbird-block-sparse", "BigBirdForMaskedLM", BigBirdConfig(**blocks | dict(num_hidden_layers=2)),
             [long(72, 53, labels=some_ids),
              forward(text(58, 41), id="padded", attentions=False, leave_out=(r"hidden_states.*",))],
             "blocks of 4; then 58 ids, which are padded inside the model to 60"),
        Case("bigbird-two-random-blocks", "BigBirdForTokenClassification",
             BigBirdConfig(**blocks | dict(num_random_blocks=2, block_size=3, use_bias=False,
                                           rescale_embeddings=True), **LABELS),
             [long(60, 47, labels=one_of_each(3))],
             "two random blocks a row, all of them block 0 at inference; embeddings rescaled; no bias in q, k, v"),
        Case("bigbird-question-answering", "BigBirdForQuestionAnswering",
             BigBirdConfig(**bigbird | ONE, attention_type="original_full"),
             [forward(question(3, start=4), attentions=False)],
             "the question ends at the first sep: its positions lose 1e6, the segments are made from it"),
        Case("longformer-sequence-classification", "LongformerForSequenceClassification",
             LongformerConfig(**longformer, **LABELS), [long(16, 11, labels=one_of(3))],
             "the first position is global without being asked for", version4("tie_word_embeddings", "onnx_export")),
        Case("longformer-question-answering", "LongformerForQuestionAnswering", LongformerConfig(**longformer),
             [forward(question(2, start=0, between=2, rows=(16, 13)), attentions=False)],
             "the ids before the first of three seps are global"),
        Case("longformer-padded", "LongformerForMaskedLM",
             LongformerConfig(**longformer | dict(attention_window=[4, 8])),
             [forward(with_more(text(13, 9, labels=some_ids), global_attention_mask=two_global), attentions=False)],
             "13 ids padded inside the model to 16, the largest window's multiple"),
    ]
