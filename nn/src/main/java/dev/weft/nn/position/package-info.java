/// Positions: how a model knows the order of what it reads.
///
/// Learned positions are an [dev.weft.nn.Embedding]; [Sinusoidal] are added to embeddings, [Rotary] turn queries and
/// keys. Before this room: `nn`. After it: `nn.attention`.
@NullMarked
package dev.weft.nn.position;

import org.jspecify.annotations.NullMarked;
