/// The `weft` command.
///
/// Start with [dev.weft.cli.Weft], which lists the commands; each is one file. Knows all rooms, and nobody knows it.
@NullMarked
package dev.weft.cli;

import org.jspecify.annotations.NullMarked;
