/// One file per family of models: the wiring of the parts of `nn`, under the names of the checkpoint.
///
/// Start with [dev.weft.models.Gpt2], which wires a decoder from top to bottom, then [dev.weft.models.Llama], whose kin say
/// only what they do differently, then [dev.weft.models.Models], which opens folders. What a body is to others says `models.backbone`, the heads stand
/// in `models.heads`; neither knows a family. Before this room: `nn`, `checkpoint`. After it: `train`, `run`.
@NullMarked
package dev.weft.models;

import org.jspecify.annotations.NullMarked;
