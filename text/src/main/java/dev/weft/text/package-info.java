/// Strings to ids and back, in pure Java.
///
/// Start with [Tokenizer], which shows the pipeline; its stages are [Normalizer], [PreTokenizer], [Model], [PostProcessor] and [Decoder], each a sealed type that reads and writes its part of `tokenizer.json`. A
/// [Piece] is the text on its way through them. [BytePairTrainer] and [CharacterTrainer] learn new tokenizers.
///
/// Before this room: nothing. After it: `data`.
@NullMarked
package dev.weft.text;

import org.jspecify.annotations.NullMarked;
