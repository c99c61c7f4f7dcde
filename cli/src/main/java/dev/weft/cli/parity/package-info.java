/// Proof against the reference: conformance cases and what each of their checks does.
///
/// Start with [dev.weft.cli.parity.Case]. Used by `weft parity`.
@NullMarked
package dev.weft.cli.parity;

import org.jspecify.annotations.NullMarked;
