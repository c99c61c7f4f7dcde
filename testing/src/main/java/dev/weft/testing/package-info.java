/// What the tests of several rooms share: [Fuzzing] runs Jazzer on readers, [Scratch] holds the files it makes up.
///
/// Not a room and not published; used with test scope.
@NullMarked
package dev.weft.testing;

import org.jspecify.annotations.NullMarked;
