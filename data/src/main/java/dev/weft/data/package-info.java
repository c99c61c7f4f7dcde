/// From texts to batches: which files, their ids, and the windows of ids that a model is trained and judged on.
///
/// Read [dev.weft.data.TextSource] first (which files), then [dev.weft.data.TokenFile] (their ids, made once and kept on
/// disk) and [dev.weft.data.TokenWindows] (batches of them). Before this room: `text`, `tensor`. After it: `train`,
/// `eval`. Knows no model.
@NullMarked
package dev.weft.data;

import org.jspecify.annotations.NullMarked;
