/// Weft's models in the types of other libraries: [dev.weft.bridges.langchain4j] and [dev.weft.bridges.springai]. A user
/// of one needs nothing of the other.
///
/// Before this room: `run`. Nobody knows it.
@NullMarked
package dev.weft.bridges;

import org.jspecify.annotations.NullMarked;
