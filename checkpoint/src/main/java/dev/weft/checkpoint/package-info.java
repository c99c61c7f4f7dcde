/// Files to named weights and back: safetensors, PyTorch archives, GGUF, `config.json`, model folders.
///
/// Read [dev.weft.checkpoint.ModelFolder] first (what lies in a folder of the Hub), then
/// [dev.weft.checkpoint.CheckpointWeights] (how a model gets its weights from it). [dev.weft.checkpoint.Safetensors] is
/// the file format, [dev.weft.checkpoint.Gguf] that of llama.cpp, shown as the checkpoint it was made from;
/// [dev.weft.checkpoint.Json] reads settings, [dev.weft.checkpoint.AtomicFile] writes everything.
///
/// What is wrong with a file is an [IllegalArgumentException] of one line that names it; what is wrong with the disk is
/// an [java.io.UncheckedIOException]. Before this room: `nn`. After it: `models`, `train`. Knows no model.
@NullMarked
package dev.weft.checkpoint;

import org.jspecify.annotations.NullMarked;
