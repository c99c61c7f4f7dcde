/// Strings to ids and back, in pure Java.
///
/// Start with [Tokenizer], which shows the pipeline; its stages are [Normalizer], [PreTokenizer], [Model]
/// ([Bpe], [WordPiece], [Unigram], [WordLevel]), [PostProcessor] and [Decoder], each a sealed type that reads and writes
/// its part of `tokenizer.json`. A [Piece] is the text on its way through them.
///
/// A [TokenizerTrainer] learns a new tokenizer from a [Corpus]: [WordCounts] first, from which [MergeLearner] or
/// [UnigramLearner] learns; a [TrainingPipeline] says what is around the model.
///
/// Conversations become text by a model's chat template in `dev.weft.text.chat`.
///
/// [TokenizerFiles] looks at what lies in a folder and calls the reader of that format: of SentencePiece's models
/// ([SentencePieceModel], and [PieceFamily] for what families make of one), of merges ([MergesText]), of word lists
/// ([VocabularyText]) or of ranks ([TiktokenFile]).
///
/// Before this room: nothing. After it: `data`.
@NullMarked
package dev.weft.text;

import org.jspecify.annotations.NullMarked;
