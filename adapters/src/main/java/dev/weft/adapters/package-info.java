/// Weft's models in the types of other libraries: [dev.weft.adapters.langchain4j] and [dev.weft.adapters.springai]. A user
/// of one needs nothing of the other.
///
/// Before this room: `run`. Nobody knows it.
@NullMarked
package dev.weft.adapters;

import org.jspecify.annotations.NullMarked;
