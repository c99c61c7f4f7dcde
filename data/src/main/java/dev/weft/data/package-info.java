/// From files to batches.
///
/// Long texts: [dev.weft.data.TextSource] (which files), [dev.weft.data.TokenFile] (their ids, made once and kept on disk),
/// [dev.weft.data.TokenWindows] (batches of them). Examples with columns: [dev.weft.data.Rows] (files, SQL, streams),
/// [dev.weft.data.RowEncoder] (a task's way from a row to an [dev.weft.data.Example]), [dev.weft.data.ExampleFile] (made
/// once and kept), [dev.weft.data.LengthBatches] or [dev.weft.data.Packing] (what goes together), and
/// [dev.weft.data.Collator] (tensors). Before this room: `text`, `tensor`. After it: `train`, `eval`. Knows no model.
@NullMarked
package dev.weft.data;

import org.jspecify.annotations.NullMarked;
