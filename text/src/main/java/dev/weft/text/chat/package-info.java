/// Conversations to the text a model was trained on, by the model's own chat template.
///
/// Start with [ChatTemplate]: it reads the templates of a model's folder, and makes the text of a [Conversation], or a
/// [RenderedChat] that also knows which parts of the text the assistant wrote. The language the templates are written in
/// is `dev.weft.jinja`.
///
/// Before this package: `dev.weft.jinja`. After it: generation and training.
@NullMarked
package dev.weft.text.chat;

import org.jspecify.annotations.NullMarked;
