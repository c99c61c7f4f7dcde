"""Encoder-decoder families: translation, summaries, conversation, and heads upon them."""

import torch
from transformers import (
    BartConfig,
    BertConfig,
    BlenderbotConfig,
    BlenderbotSmallConfig,
    EncoderDecoderConfig,
    GPT2Config,
    LEDConfig,
    M2M100Config,
    MarianConfig,
    MBartConfig,
    MT5Config,
    PegasusConfig,
    T5Config,
)

from cases.making import (
    Case,
    forward,
    generate,
    one_of,
    place,
    same_ids,
    text,
    train,
    translation,
    version4,
    with_more,
)

SMALL = dict(vocab_size=47, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
             decoder_attention_heads=4, encoder_ffn_dim=20, decoder_ffn_dim=24, max_position_embeddings=30)
FAIRSEQ = SMALL | dict(pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2)
LABELS = dict(id2label={0: "red", 1: "green", 2: "blue"}, label2id={"red": 0, "green": 1, "blue": 2})
TINY = dict(vocab_size=41, encoder_layers=1, decoder_layers=1)
WORKING = {r"shared": 0.6, r"(out_proj|fc2)\.weight": 2.0}  # what the layers do outweighs the id they start from
FILES = version4("tie_word_embeddings", "is_decoder", static_position_embeddings=False, normalize_before=True,
                 extra_pos_embeddings=0, add_bias_logits=False, normalize_embedding=True, gradient_checkpointing=False)


def sequence_to_sequence(*more, beams=3):
    """Loss with labels, logits with decoder ids padded right, greedy and beam search."""
    return [forward(translation(labels=(9, 6))),
            forward(translation(target=(7, 5)), id="decoder", attentions=False, leave_out=("encoder_.*",)),
            generate(num_beams=1), generate("beam", num_beams=beams, steps=10), *more]


def cases():
    return [*fairseq(), *t5(), *joined(), *bart()]


def fairseq():
    zeros = SMALL | dict(pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)
    led = {key: value for key, value in FAIRSEQ.items() if key != "max_position_embeddings"}

    def some_global(bench, ids, mask):
        chosen = torch.zeros_like(ids)
        chosen[:, 0] = chosen[0, 6] = 1
        return chosen

    marian = SMALL | dict(pad_token_id=46, eos_token_id=0, decoder_start_token_id=46, forced_eos_token_id=0)
    return [
        Case("mbart", "MBartForConditionalGeneration",
             MBartConfig(**FAIRSEQ | dict(decoder_start_token_id=None), scale_embedding=True, forced_eos_token_id=2),
             [forward(translation(labels=(9, 6))), generate(num_beams=1),
              generate("beam", num_beams=4, steps=10, forced_bos_token_id=9)],
             "norm first and once more at the end; the last label that is not padding becomes the first decoder id; "
             "forced first and last ids", FILES, scales=WORKING, generation={"decoder_start_token_id": 7}),
        Case("m2m100", "M2M100ForConditionalGeneration", M2M100Config(**FAIRSEQ | TINY),
             sequence_to_sequence(
                 generate("forced", num_beams=2, steps=8, forced_bos_token_id=9),
                 train(translation(source=(8, 6), labels=(7, 5)))),
             "positions are sines, counted behind the pad id; scaled embeddings; relu",
             version4("tie_word_embeddings", early_stopping=True, gradient_checkpointing=False), scales=WORKING),
        Case("pegasus", "PegasusForConditionalGeneration",
             PegasusConfig(**SMALL | dict(pad_token_id=0, eos_token_id=1, decoder_start_token_id=0),
                           scale_embedding=True, activation_function="relu"),
             sequence_to_sequence(beams=2),
             "positions are sines from 0 on; the decoder starts with the pad id; final_logits_bias",
             version4("tie_word_embeddings", "is_decoder", static_position_embeddings=True, normalize_before=True,
                      normalize_embedding=False, add_final_layer_norm=True, extra_pos_embeddings=1),
             scales=WORKING, generation={"num_beams": 2, "length_penalty": 0.8}),
        Case("blenderbot", "BlenderbotForConditionalGeneration",
             BlenderbotConfig(**zeros, scale_embedding=True), sequence_to_sequence(),
             "norm first; learned positions without offset; no id of the prompt comes back",
             version4("tie_word_embeddings", "is_decoder", extra_layer_norm=False, layernorm_variant="prelayernorm",
                      do_blenderbot_90_layernorm=True),
             scales=WORKING,
             generation={"encoder_no_repeat_ngram_size": 1, "min_length": 5, "num_beams": 3,
                         "length_penalty": 0.65}),
        Case("blenderbot-small", "BlenderbotSmallForConditionalGeneration",
             BlenderbotSmallConfig(**zeros, scale_embedding=True), sequence_to_sequence(beams=2),
             "norm last, embeddings normed (in the decoder before positions are added)", scales=WORKING),
        Case("led", "LEDForConditionalGeneration",
             LEDConfig(**led, attention_window=[4, 8], max_encoder_position_embeddings=40,
                       max_decoder_position_embeddings=30),
             [forward(with_more(translation(source=(13, 9), labels=(7, 5)), global_attention_mask=some_global),
                      leave_out=("encoder_attentions.*",)),
              forward(translation(source=(14, 11), labels=(7, 5)), id="local", attentions=False),
              generate(num_beams=1), generate("beam", num_beams=2, steps=10)],
             "windows of 4 and 8 in the encoder, padded inside to a multiple of 8; global positions; a token is global "
             "only if the mask says so", version4("tie_word_embeddings")),
        Case("marian-own-embeddings", "MarianMTModel",
             MarianConfig(**marian, decoder_vocab_size=47, share_encoder_decoder_embeddings=False,
                          scale_embedding=True, tie_word_embeddings=False),
             [forward(translation(labels=(9, 6))), generate(num_beams=1)],
             "encoder and decoder with embeddings of their own, an lm_head too; sines"),
    ]


def t5():
    small = dict(vocab_size=47, d_model=16, d_kv=6, d_ff=20, num_layers=2, num_heads=2, pad_token_id=0, eos_token_id=1,
                 decoder_start_token_id=0, relative_attention_num_buckets=8, relative_attention_max_distance=16)
    calm = {r"Attention\.q": 0.6}
    mt5 = version4("dense_act_fn", "is_gated_act", "relative_attention_max_distance", "classifier_dropout",
                   "is_decoder", "bos_token_id", tie_word_embeddings=False, tokenizer_class="T5Tokenizer",
                   output_past=True)
    files = version4("classifier_dropout", "is_decoder", "bos_token_id", "is_gated_act", "dense_act_fn",
                     "tie_word_embeddings", "scale_decoder_outputs", n_positions=512, output_past=True)
    return [
        Case("mt5", "MT5ForConditionalGeneration",
             MT5Config(**small | dict(num_decoder_layers=2, relative_attention_max_distance=128),
                       feed_forward_proj="gated-gelu"),
             sequence_to_sequence(),
             "gated gelu_new, a head of its own that is not scaled; relative_attention_max_distance left to its "
             "default", mt5, scales=calm, untied=True),
        Case("t5-version-5", "T5ForConditionalGeneration",
             T5Config(**small, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
             [forward(translation(labels=(9, 6)), attentions=False)],
             "version 5 of a T5 1.1: tie_word_embeddings true, scale_decoder_outputs false, and an lm_head in the file",
             scales=calm, untied=True),
        Case("t5-encoder", "T5EncoderModel", T5Config(**small, feed_forward_proj="relu"),
             [forward(text(12, 9))], "the encoder alone", files, scales=calm),
        Case("t5-sequence-classification", "T5ForSequenceClassification",
             T5Config(**small, feed_forward_proj="relu", **LABELS),
             [forward(with_more(translation(source=(12, 9), source_end=True), labels=one_of(3)), attentions=False)],
             "label read at the last end id; decoder ids are the ids shifted", files, scales=calm),
        Case("t5-question-answering", "T5ForQuestionAnswering", T5Config(**small, feed_forward_proj="gated-silu"),
             [forward(text(12, 9, start_positions=place, end_positions=place), attentions=False)],
             "decoder ids are the ids shifted; the logits are those of the decoder's positions", scales=calm),
    ]


def joined():
    """EncoderDecoderModel."""
    bert = dict(vocab_size=47, hidden_size=16, intermediate_size=20, num_hidden_layers=1, num_attention_heads=2,
                max_position_embeddings=30, pad_token_id=0)

    def pair(encoder, decoder, **more):
        return EncoderDecoderConfig.from_encoder_decoder_configs(
            encoder, decoder, pad_token_id=0, decoder_start_token_id=1, eos_token_id=2, bos_token_id=1, **more)

    def bert2bert(tied, **more):
        decoder = BertConfig(**bert | dict(num_hidden_layers=2, bos_token_id=1, eos_token_id=2) | more, is_decoder=True,
                             add_cross_attention=True, tie_word_embeddings=tied)
        return pair(BertConfig(**bert), decoder, tie_word_embeddings=tied)

    def same_bias(tensors):
        """The bias stands twice in a file; versions of the reference disagree on which one they read."""
        head = "decoder.cls.predictions."
        return tensors | {head + "bias": tensors[head + "decoder.bias"].clone()}

    def files(config):
        config = {"architectures": config["architectures"], "model_type": "encoder-decoder", "torch_dtype": "float32",
                  "transformers_version": "4.12.5", "is_encoder_decoder": True, "decoder_start_token_id": 1,
                  "pad_token_id": 0, "eos_token_id": config["eos_token_id"], "bos_token_id": 1,
                  "encoder": dict(config["encoder"]), "decoder": dict(config["decoder"])}
        for part in ("encoder", "decoder"):
            config[part] = version4("classifier_dropout")({"dtype": None} | config[part])
        return config

    return [
        Case("encoder-decoder-bert2bert", "EncoderDecoderModel", bert2bert(True, vocab_size=41, num_hidden_layers=1),
             sequence_to_sequence(train(translation(source=(8, 6), labels=(7, 5)))),
             "cross attention in BERT's layers; the decoder's head tied to its embeddings; pads among the shifted "
             "labels are masked", files),
        Case("encoder-decoder-untied", "EncoderDecoderModel", bert2bert(False),
             [forward(translation(labels=(9, 6))), generate(num_beams=1), generate("beam", num_beams=2, steps=10)],
             "a head of its own", weights=same_bias,
             scales={r"embeddings\.(word|position)": 3.0}),
        Case("encoder-decoder-bert2gpt2", "EncoderDecoderModel",
             pair(BertConfig(**bert), GPT2Config(vocab_size=43, n_embd=12, n_layer=2, n_head=2, n_positions=30,
                                                 bos_token_id=1, eos_token_id=2, is_decoder=True,
                                                 add_cross_attention=True)),
             sequence_to_sequence(beams=2),
             "the encoder's width differs: enc_to_dec_proj; two vocabularies", scales={r"wpe": 2.5}),
    ]


def bart():
    bart = FAIRSEQ | dict(forced_eos_token_id=2)
    decoder = {key: value for key, value in bart.items() if key not in ("decoder_start_token_id",
                                                                         "forced_eos_token_id")}
    return [
        Case("bart-model", "BartModel", BartConfig(**bart),
             [forward(text(11, 8), attentions=False),
              forward(translation(target=(7, 5)), id="decoder")],
             "the bare model; without decoder ids it takes the ids, shifted; embeddings not scaled",
             version4("tie_word_embeddings", "is_decoder", add_bias_logits=False, add_final_layer_norm=False,
                      normalize_before=False)),
        Case("bart-question-answering", "BartForQuestionAnswering", BartConfig(**bart),
             [forward(text(11, 8, start_positions=place, end_positions=place), attentions=False)],
             "the logits are those of the decoder's positions"),
        Case("bart-causal-lm", "BartForCausalLM",
             BartConfig(**decoder, is_decoder=True, is_encoder_decoder=False, decoder_start_token_id=None,
                        forced_eos_token_id=None),
             [forward(text(12, 9, labels=same_ids)), generate(prompts=(7, 7))],
             "the decoder alone; its labels are not shifted; positions count padding too"),
    ]
