/// Weft's models as LangChain4j has them: chat, streaming chat, embedding, scoring.
///
/// Start with [WeftChatModel]. Each is thin over a pipeline of `dev.weft.run.pipeline`, which stays its user's to close.
@NullMarked
package dev.weft.bridges.langchain4j;

import org.jspecify.annotations.NullMarked;
