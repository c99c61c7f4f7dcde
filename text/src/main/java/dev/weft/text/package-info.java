/// Strings to ids and back, in pure Java.
///
/// Start with [dev.weft.text.Tokenizer]. Before this room: nothing. After it: `data`.
@NullMarked
package dev.weft.text;

import org.jspecify.annotations.NullMarked;
