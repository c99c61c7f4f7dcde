/// Weft's models as Spring AI has them: chat, also streaming, and embedding.
///
/// Start with [WeftChatModel]. Each is thin over a pipeline of `dev.weft.run.pipeline`, which stays its user's to close.
@NullMarked
package dev.weft.bridges.springai;

import org.jspecify.annotations.NullMarked;
